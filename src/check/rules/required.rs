//! Required destination fields must be filled, and not with blanks.

use crate::{
    check::facts::Facts,
    diag::{Code, Diagnostic, Diagnostics},
    ident::FieldId,
    mapping::Absent,
    platform::Write,
    value::Type,
};

pub(super) fn rule(facts: &Facts<'_>, out: &mut Diagnostics) {
    for (step, known) in facts.mapping.steps.iter().zip(facts.steps) {
        if step.absent != Absent::Create {
            continue;
        }
        let object = &facts.mapping.destination.objects[step.to.ix()];
        for (ix, declared) in object.fields.iter().enumerate() {
            let Ok(ix) = u16::try_from(ix) else { continue };
            let id = FieldId(ix);
            let given = declared.set.is_some() || declared.default.is_some();
            if !declared.required
                || given
                || declared.write == Write::Never
                || declared.data_type == Type::Id
                || known.broken.contains(&id)
            {
                continue;
            }
            match step.fields.iter().position(|f| f.to == id) {
                None => out.push(
                    Diagnostic::new(
                        Code::RequiredUnmapped,
                        known.header.span,
                        format!(
                            "{} needs `{}`, and nothing fills it",
                            object.name, declared.name
                        ),
                    )
                    .related(declared.span, "required here")
                    .hint(format!("add `{}:` under `fields:`", declared.name)),
                ),
                Some(at) => {
                    let field = &known.fields[at];
                    if field.kind.optional && !field.says_missing {
                        out.push(
                            Diagnostic::new(
                                Code::RequiredMayBeBlank,
                                field.value,
                                format!("{} needs `{}`, and this can be blank", object.name, declared.name),
                            )
                            .related(declared.span, "required here")
                            .hint("say what happens: `missing: hold`, `{default: …}` or `first_of: […]`"),
                        );
                    }
                }
            }
        }
    }
}
