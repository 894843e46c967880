//! Splits a shell script into words, as bash does: quotes, `$'…'`, escapes, line continuations,
//! comments, operators, here documents. Variables in a word become variables of a template.
//!
//! Existing crates that split shell words support neither `$'…'`, which browsers write, nor the
//! distinction between `$` as text in single quotes and as a variable.

mod parts;
#[cfg(test)]
mod tests;

use crate::import::shell_expansion::ComputedValues;
use crate::import::template;

/// A token of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Word(Word),
    /// The end of a command at an operator.
    End,
    /// The end of a line, which also ends a command.
    Line,
    /// The standard input of the command: a here document or a here string.
    Stdin(Word),
}

/// A word as a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// The line on which it starts, from 1.
    pub(crate) line: u64,
    /// The scripts of its `$(…)`.
    pub(crate) substitutions: Vec<String>,
    /// What has no form as a template, and the variable in its place.
    pub(crate) computed: Vec<(String, String)>,
    /// Whether any part of it is quoted: then it is no operator, no keyword and no comment.
    pub(crate) quoted: bool,
}

/// An incomplete script.
#[derive(Debug)]
pub(crate) struct ShellError {
    pub(crate) line: u64,
    pub(crate) column: u64,
    pub(crate) message: &'static str,
}

/// The tokens of a script.
pub(crate) fn tokens(script: &str, computed: &mut ComputedValues) -> Result<Vec<Token>, ShellError> {
    WordReader::of(script, 1, computed).read()
}

/// A here document that starts after the current line.
struct HereDocument {
    end: String,
    is_literal: bool,
    strips_tabs: bool,
}

struct WordReader<'c> {
    chars: Vec<char>,
    at: usize,
    line: u64,
    line_start: usize,
    /// The word being read.
    word: Option<Word>,
    computed: &'c mut ComputedValues,
}

impl WordReader<'_> {
    fn of<'c>(text: &str, line: u64, computed: &'c mut ComputedValues) -> WordReader<'c> {
        WordReader { chars: text.chars().collect(), at: 0, line, line_start: 0, word: None, computed }
    }

    fn read(&mut self) -> Result<Vec<Token>, ShellError> {
        let mut tokens = Vec::new();
        let mut documents: Vec<HereDocument> = Vec::new();
        while let Some(character) = self.next() {
            match character {
                '\n' => {
                    self.end_word(&mut tokens);
                    for document in std::mem::take(&mut documents) {
                        tokens.push(Token::Stdin(self.here_document(&document)?));
                    }
                    tokens.push(Token::Line);
                }
                ' ' | '\t' | '\r' => self.end_word(&mut tokens),
                '#' if self.word.is_none() => self.skip_line(),
                ';' | '&' | '|' | '(' | ')' if character != '&' || self.peek(0) != Some('>') => {
                    self.end_word(&mut tokens);
                    tokens.push(Token::End);
                }
                '<' if self.peek(0) == Some('<') && self.peek(1) == Some('<') => {
                    self.at += 2;
                    self.end_word(&mut tokens);
                    self.skip_blanks();
                    let text = self.one_word()?;
                    tokens.push(Token::Stdin(text));
                }
                '<' if self.peek(0) == Some('<') => {
                    self.at += 1;
                    self.end_word(&mut tokens);
                    let strips_tabs = self.peek(0) == Some('-');
                    self.at += usize::from(strips_tabs);
                    self.skip_blanks();
                    let end = self.one_word()?;
                    documents.push(HereDocument { end: end.text, is_literal: end.quoted, strips_tabs });
                }
                '>' | '<' | '&' => self.redirection(&mut tokens)?,
                other => self.part(other)?,
            }
        }
        self.end_word(&mut tokens);
        tokens.push(Token::Line);
        Ok(tokens)
    }

    fn next(&mut self) -> Option<char> {
        let character = *self.chars.get(self.at)?;
        self.at += 1;
        if character == '\n' {
            self.line += 1;
            self.line_start = self.at;
        }
        Some(character)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn error(&self, message: &'static str) -> ShellError {
        ShellError { line: self.line, column: (self.at - self.line_start) as u64 + 1, message }
    }

    fn word(&mut self) -> &mut Word {
        let line = self.line;
        self.word.get_or_insert_with(|| Word { line, ..Word::default() })
    }

    fn end_word(&mut self, tokens: &mut Vec<Token>) {
        tokens.extend(self.word.take().map(Token::Word));
    }

    /// Adds a literal character to the word.
    fn push(&mut self, character: char) {
        // A `${` that is a variable is handled elsewhere; here it is text.
        let word = self.word();
        if character == '{' && word.text.ends_with('$') {
            word.text.push('$');
        }
        word.text.push(character);
    }

    fn skip_line(&mut self) {
        while self.peek(0).is_some_and(|next| next != '\n') {
            self.at += 1;
        }
    }

    /// Whether only blanks are left of the line.
    fn ends_line(&self) -> bool {
        let rest = self.chars.get(self.at..).unwrap_or_default().iter();
        rest.copied().find(|next| !matches!(next, ' ' | '\t' | '\r')).is_some_and(|next| next == '\n')
    }

    fn skip_blanks(&mut self) {
        while self.peek(0).is_some_and(|next| next == ' ' || next == '\t') {
            self.at += 1;
        }
    }

    /// Skips redirections, which do not affect the request: `> file`, `2>&1`, `< file`.
    fn redirection(&mut self, tokens: &mut Vec<Token>) -> Result<(), ShellError> {
        let is_descriptor =
            self.word.as_ref().is_some_and(|word| !word.quoted && word.text.bytes().all(|byte| byte.is_ascii_digit()));
        if is_descriptor {
            self.word = None;
        }
        self.end_word(tokens);
        while self.peek(0).is_some_and(|next| matches!(next, '>' | '&' | '|')) {
            self.at += 1;
        }
        self.skip_blanks();
        self.one_word().map(drop)
    }

    /// The next word, whatever it is for.
    fn one_word(&mut self) -> Result<Word, ShellError> {
        let outer = self.word.take();
        while let Some(next) = self.peek(0) {
            if matches!(next, ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>') {
                break;
            }
            self.at += 1;
            self.part(next)?;
        }
        let word = self.word.take().unwrap_or_default();
        self.word = outer;
        Ok(word)
    }

    fn here_document(&mut self, document: &HereDocument) -> Result<Word, ShellError> {
        let (line, mut text) = (self.line, String::new());
        loop {
            let mut line = String::new();
            let mut ended = true;
            while let Some(character) = self.next() {
                if character == '\n' {
                    ended = false;
                    break;
                }
                line.push(character);
            }
            let shown = if document.strips_tabs { line.trim_start_matches('\t') } else { &line };
            if shown.trim_end_matches('\r') == document.end || ended && shown.is_empty() {
                break;
            }
            text.push_str(shown);
            text.push('\n');
            if ended {
                break;
            }
        }
        if document.is_literal {
            return Ok(Word { text: template::literal(&text), line, ..Word::default() });
        }
        let mut reader = WordReader::of(&text, line, self.computed);
        while reader.quoted_part(false)? {}
        Ok(reader.word.unwrap_or_default())
    }
}
