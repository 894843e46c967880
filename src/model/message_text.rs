//! A message of ours that may quote values, and where our own words stand in it.
//!
//! Secrets are searched in what is quoted alone: a gap in a known word of ours shows the secret that it hides.

use std::fmt;

use super::SafeText;

/// A sentence of ours. Written as a literal, all of it is ours; written with [`message!`], its template is ours and its
/// arguments are quoted; a `String` is quoted as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MessageText {
    text: String,
    /// The byte ranges of our own words, in order.
    ours: Vec<(usize, usize)>,
}

/// `format!` that knows which words are ours: those of the template.
macro_rules! message {
    ($template:literal $($argument:tt)*) => {
        $crate::model::MessageText::of_template($template, format!($template $($argument)*))
    };
}
pub(crate) use message;

impl MessageText {
    /// A text that was formatted with this template. The words of the template are found in it one after the other, the
    /// first at its beginning and the last at its end; a value that repeats them makes no more words ours than the
    /// template has.
    pub(crate) fn of_template(template: &str, text: String) -> MessageText {
        let words = words(template);
        let (mut ours, mut at) = (Vec::new(), 0);
        for (number, word) in words.iter().enumerate() {
            let rest = &text[at..];
            let found = match number {
                0 => rest.starts_with(word.as_str()).then_some(0),
                last if last == words.len() - 1 => rest.ends_with(word.as_str()).then(|| rest.len() - word.len()),
                _ => rest.find(word),
            };
            let Some(found) = found else { return text.into() };
            ours.push((at + found, at + found + word.len()));
            at += found + word.len();
        }
        MessageText { text, ours }
    }

    /// A text that was put together of our own words alone.
    pub(crate) fn ours(text: String) -> MessageText {
        let ours = vec![(0, text.len())];
        MessageText { text, ours }
    }

    /// The same with more after it.
    #[must_use]
    pub(crate) fn then(mut self, more: impl Into<MessageText>) -> MessageText {
        let (more, shift) = (more.into(), self.text.len());
        self.text.push_str(&more.text);
        self.ours.extend(more.ours.iter().map(|(start, end)| (start + shift, end + shift)));
        self
    }

    /// The text, secrets included.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it quotes nothing.
    pub(crate) fn is_ours(&self) -> bool {
        self.ours == [(0, self.text.len())]
    }

    /// The byte ranges of our own words.
    pub(crate) fn own_words(&self) -> &[(usize, usize)] {
        &self.ours
    }
}

/// The words of a template of `format!` around its arguments, one more than there are arguments.
fn words(template: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut characters = template.chars().peekable();
    while let Some(character) = characters.next() {
        let is_twice = characters.peek() == Some(&character);
        match character {
            '{' | '}' if is_twice => {
                characters.next();
                words.last_mut().into_iter().for_each(|word| word.push(character));
            }
            '{' => {
                characters.by_ref().find(|character| *character == '}');
                words.push(String::new());
            }
            _ => words.last_mut().into_iter().for_each(|word| word.push(character)),
        }
    }
    words
}

impl From<&'static str> for MessageText {
    fn from(ours: &'static str) -> MessageText {
        MessageText::ours(ours.to_owned())
    }
}

/// A text that may be printed is quoted: who made it may have known fewer secrets.
impl From<&SafeText> for MessageText {
    fn from(shown: &SafeText) -> MessageText {
        shown.as_str().to_owned().into()
    }
}

impl From<String> for MessageText {
    fn from(quoted: String) -> MessageText {
        MessageText { text: quoted, ours: Vec::new() }
    }
}

impl fmt::Display for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Redactor, Secret};

    fn shown(secret: &str, message: MessageText) -> String {
        Redactor::new([Secret::new(secret)]).message(message).as_str().to_owned()
    }

    #[test]
    fn a_secret_is_redacted_in_what_is_quoted_and_not_in_our_words() {
        let refused = |target: &str| message!("{target} refused the connection");
        assert_eq!(shown("refused", refused("refused.test")), "[redacted].test refused the connection");
        assert_eq!(shown("connection", refused("x.test")), "x.test refused the connection");
        assert_eq!(shown("literal", "a literal".into()), "a literal");
        assert_eq!(shown("quoted", "all quoted".to_owned().into()), "all [redacted]");
        let braces = message!("{{pass}} {:>5}: {}, pass{}", 7, "a pass", "word");
        assert_eq!(shown("pass", braces.clone()), "{pass}     7: a [redacted], password");
        // A secret that is only in part one of our words is whole nowhere else.
        assert_eq!(shown("password", braces), "{pass}     7: a pass, [redacted]");
    }

    #[test]
    fn what_comes_after_keeps_its_words() {
        let message = message!("{} is silent", "pass.test").then("; pass on").then(message!(": {} pass", "a pass"));
        assert_eq!(shown("pass", message), "[redacted].test is silent; pass on: a [redacted] pass");
    }

    #[test]
    fn a_value_that_repeats_our_words_makes_no_other_text_ours() {
        let message = message!("{} said: {}", "he said: hunter22", "she said: hunter22");
        assert_eq!(shown("hunter22", message), "he said: [redacted] said: she said: [redacted]");
    }

    proptest::proptest! {
        #[test]
        fn nothing_but_the_words_of_the_template_is_shown(secret in "[a-d]{4,6}", one in "[a-e :]{0,20}", two in "[a-e :]{0,20}") {
            let text = shown(&secret, message!("ZZ{one}: {two}ZZ"));
            proptest::prop_assert!(!text.contains(&secret), "{text}");
        }
    }
}
