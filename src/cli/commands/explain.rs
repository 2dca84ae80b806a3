//! `transload explain`: the page of a diagnostic code.

use crate::{
    cli::{
        args::Explain,
        exit::{Exit, Failure},
        out,
    },
    diag::Code,
};

/// Prints the page, or the list of all codes.
///
/// # Errors
/// When there is no such code.
pub fn run(args: &Explain) -> Result<Exit, Failure> {
    let Some(wanted) = &args.code else {
        let list: Vec<String> = Code::ALL
            .iter()
            .map(|c| format!("{}  {}", c.id(), c.name()))
            .collect();
        out::result(&list.join("\n"));
        return Ok(Exit::Done);
    };
    match Code::find(wanted) {
        Some(code) => {
            out::result(code.page());
            Ok(Exit::Done)
        }
        None => Err(
            Failure::new(Exit::Usage, format!("there is no code `{wanted}`"))
                .hint("`transload explain` without a code lists all of them"),
        ),
    }
}
