//! Conditions in fingerprints.

use super::Scope;
use crate::{
    mapping::{Operand, When},
    plan::canon::Canon,
};

impl Scope<'_> {
    fn operand(&self, canon: &mut Canon, operand: &Operand) {
        match operand {
            Operand::Input(input) => self.input(canon, input),
            Operand::Literal(value) => {
                canon.text("literal").debug(value);
            }
        }
    }

    pub(super) fn when(&self, canon: &mut Canon, when: &When) {
        match when {
            When::And(list) | When::Or(list) => {
                canon
                    .text(if matches!(when, When::And(_)) {
                        "and"
                    } else {
                        "or"
                    })
                    .number(list.len());
                for one in list {
                    self.when(canon, one);
                }
            }
            When::Not(one) => {
                canon.text("not");
                self.when(canon, one);
            }
            When::True(operand) => {
                canon.text("true");
                self.operand(canon, operand);
            }
            When::Present(operand) => {
                canon.text("present");
                self.operand(canon, operand);
            }
            When::Blank(operand) => {
                canon.text("blank");
                self.operand(canon, operand);
            }
            When::Compare(left, compare, right) => {
                canon.text("compare").debug(compare);
                self.operand(canon, left);
                self.operand(canon, right);
            }
            When::In(operand, values) => {
                canon.text("in").debug(values);
                self.operand(canon, operand);
            }
            When::Has(operand, value) => {
                canon.text("has").debug(value);
                self.operand(canon, operand);
            }
            When::Contains(operand, text) => {
                canon.text("contains").text(text);
                self.operand(canon, operand);
            }
            When::Reference(operand, state, objects) => {
                canon.text("reference").debug(state);
                for object in objects {
                    canon.text(self.walk.source.object_name(*object));
                }
                self.operand(canon, operand);
            }
        }
    }
}
