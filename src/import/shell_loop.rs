//! A loop of a shell over words: `for NAME in WORD…; do …; done`.

use crate::import::shell_words::{Token, Word};

/// A loop, and what follows it.
#[derive(Debug)]
pub(crate) struct ForLoop<'t> {
    /// The variable that has each word in turn.
    pub(crate) name: &'t str,
    pub(crate) values: Vec<&'t Word>,
    /// What stands between `do` and `done`.
    pub(crate) body: &'t [Token],
    pub(crate) after: &'t [Token],
}

impl<'t> ForLoop<'t> {
    /// The loop that starts with the first of these tokens, which begins a command.
    pub(crate) fn at(tokens: &'t [Token]) -> Option<ForLoop<'t>> {
        let [first, Token::Word(name), third, ..] = tokens else { return None };
        if !is_keyword(first, "for") || !is_keyword(third, "in") {
            return None;
        }
        let values: Vec<&Word> = tokens[3..].iter().map_while(word).collect();
        let start = 3 + values.len();
        let start = start + tokens[start..].iter().position(|token| is_keyword(token, "do"))?;
        let body = start + 1..end_of_body(tokens, start + 1)?;
        let after = &tokens[body.end + 1..];
        Some(ForLoop { name: &name.text, values, body: &tokens[body], after })
    }
}

/// The place of the `done` of a body that starts there. It begins a command, as each `do` within does.
fn end_of_body(tokens: &[Token], start: usize) -> Option<usize> {
    let (mut open, mut begins) = (1, true);
    for (place, token) in tokens.iter().enumerate().skip(start) {
        if begins && is_keyword(token, "do") {
            open += 1;
        } else if begins && is_keyword(token, "done") {
            open -= 1;
            if open == 0 {
                return Some(place);
            }
        }
        // A command begins at an end, and behind a keyword.
        begins = word(token).is_none() || ["do", "then", "else"].iter().any(|keyword| is_keyword(token, keyword));
    }
    None
}

fn word(token: &Token) -> Option<&Word> {
    match token {
        Token::Word(word) => Some(word),
        _ => None,
    }
}

fn is_keyword(token: &Token, keyword: &str) -> bool {
    word(token).is_some_and(|word| !word.quoted && word.text == keyword)
}
