//! `transload explain`: the page of a diagnostic code, or what the code of a hold means.

use crate::{
    cli::{
        args::Explain,
        exit::{Exit, Failure},
        out,
    },
    diag::{Code, hold},
};

/// Prints the page, or the list of all codes.
///
/// # Errors
/// When there is no such code.
pub fn run(args: &Explain) -> Result<Exit, Failure> {
    let Some(wanted) = &args.code else {
        let mut list: Vec<String> = Code::ALL
            .iter()
            .map(|c| format!("{}  {}", c.id(), c.name()))
            .collect();
        list.push("\nHolds".to_owned());
        list.extend(
            hold::all()
                .into_iter()
                .map(|(code, says)| format!("{code}  {}", says.replace('\n', " "))),
        );
        out::result(&list.join("\n"));
        return Ok(Exit::Done);
    };
    match Code::find(wanted) {
        Some(code) => {
            out::result(code.page());
            Ok(Exit::Done)
        }
        None => match hold::find(wanted) {
            Some(entry) => {
                out::result(&entry);
                Ok(Exit::Done)
            }
            None => Err(
                Failure::new(Exit::Usage, format!("there is no code `{wanted}`")).hint(
                    "`transload explain` without a code lists all of them; a hold with another code was made by a \
                     `guards:` entry of the mapping, whose `say:` explains it",
                ),
            ),
        },
    }
}
