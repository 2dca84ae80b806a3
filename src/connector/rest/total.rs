//! How many records an object has, by the server's own count: one small call where a list says its total, the list itself
//! where it is short.

use super::{
    list::{Pages, combinations},
    member,
    setup::Rest,
};
use crate::{connector::Stop, ident::ObjectId, platform::OpKind};
use std::collections::HashSet;

impl Rest {
    /// The number of records an object has; `None` where the server cannot tell with few calls: there is no list, or it
    /// says no total and has more than `pages` pages.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn count(&self, object: ObjectId, pages: usize) -> Result<Option<u64>, Stop> {
        let Some(op) = self.object(object)?.op(OpKind::List).cloned() else {
            return Ok(None);
        };
        let mut told = op.clone();
        let says = match &mut told.page {
            Some(page) if page.total.is_some() => {
                // Its records are of no interest.
                page.size = 1;
                true
            }
            _ => false,
        };
        let mut sum = 0u64;
        let mut seen = HashSet::new();
        let mut left = pages;
        for filters in combinations(&op.each) {
            let first = self.list_call(object, &op, &filters).await?;
            let mut pages = Pages::new(told.clone(), first);
            while let Some(page) = pages.next(self).await? {
                match page.total {
                    Some(total) if says => {
                        sum += total;
                        break;
                    }
                    None if says => return Ok(None),
                    _ => {}
                }
                // A list that moves while it is read shows a record twice.
                seen.extend(page.records.iter().map(|r| member::text_at(r, &op.id)));
                if left == 0 {
                    return Ok(None);
                }
                left -= 1;
            }
        }
        Ok(Some(sum + seen.len() as u64))
    }
}
