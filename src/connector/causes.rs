//! The causes of an error, outermost first, also those that an I/O error wraps. Says nothing of them in words.

use std::{error::Error, iter};

/// An error and everything it came from.
pub(super) fn causes<'a>(
    e: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(e), |&error| {
        // What an I/O error wraps is not its source.
        let wrapped = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    })
}
