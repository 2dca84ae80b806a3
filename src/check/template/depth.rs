//! Templates stay small: long tags and deep blocks are refused before they are parsed.
//!
//! Parsing, walking and dropping a template go down its nesting; a text made to be deep would exhaust the
//! stack, which no error can report.

use minijinja::machinery::{Token, tokenize};

/// Most words and marks in one `{{ … }}` or `{% … %}`.
const TAG_TOKENS_MAX: usize = 200;
/// Most blocks within each other; `elif` counts as one more.
const BLOCKS_MAX: usize = 32;

/// What is too deep, and where (bytes of the template). Text that is no template at all is left to the parser.
pub(super) fn too_deep(source: &str) -> Option<(String, usize, usize)> {
    let mut in_tag = 0;
    let mut first_of_block = false;
    let mut blocks: Vec<usize> = Vec::new();
    for token in tokenize(source, false, Default::default()) {
        let Ok((token, span)) = token else {
            return None;
        };
        let at = |message: String| {
            Some((
                message,
                span.start_offset as usize,
                span.end_offset as usize,
            ))
        };
        in_tag += 1;
        match token {
            Token::VariableStart | Token::BlockStart => {
                in_tag = 0;
                first_of_block = matches!(token, Token::BlockStart);
                continue;
            }
            Token::TemplateData(_) => in_tag = 0,
            Token::Ident(word) if first_of_block => match word {
                "if" | "for" | "with" | "filter" | "autoescape" => blocks.push(1),
                "elif" => {
                    if let Some(inner) = blocks.last_mut() {
                        *inner += 1;
                    }
                }
                end if end.starts_with("end") => {
                    blocks.pop();
                }
                _ => {}
            },
            _ => {}
        }
        first_of_block = false;
        if in_tag > TAG_TOKENS_MAX {
            return at(format!(
                "a tag has more than {TAG_TOKENS_MAX} words and marks"
            ));
        }
        if blocks.iter().sum::<usize>() > BLOCKS_MAX {
            return at(format!(
                "more than {BLOCKS_MAX} blocks stand within each other"
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::too_deep;

    #[test]
    fn ordinary_templates_pass() {
        let text = "{% for m in lines %}{{ m.body | plain }}{% if m.a is present %}x{% else %}y{% endif %}{% endfor %}";
        assert_eq!(too_deep(&text.repeat(500)), None);
    }

    #[test]
    fn depth_is_refused_in_every_form() {
        let deep = |open: &str, close: &str| format!("{}{}", open.repeat(300), close.repeat(300));
        for text in [
            deep("{% if a %}", "{% endif %}"),
            format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(300)),
            format!("{{{{ {} }}}}", deep("(", ")")),
            format!("{{{{ {} a }}}}", "not ".repeat(300)),
            format!("{{{{ a{} }}}}", "|trim".repeat(300)),
            format!("{{{{ a{} }}}}", "~a".repeat(300)),
        ] {
            assert!(too_deep(&text).is_some(), "{}", &text[..40]);
        }
    }
}
