//! Splits a shell script into words, as bash does: quotes, `$'…'`, escapes, line continuations,
//! comments, operators, here documents. Variables in a word become variables of a template.
//!
//! Existing crates that split shell words support neither `$'…'`, which browsers write, nor the
//! distinction between `$` as text in single quotes and as a variable.

#[cfg(test)]
mod tests;

use crate::import::shell_expansion::{self, ComputedValues, Expansion};
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

    /// Reads a part of a word that starts with this character.
    fn part(&mut self, character: char) -> Result<(), ShellError> {
        match character {
            '\\' => match self.next() {
                Some('\r') if self.peek(0) == Some('\n') => {
                    self.next();
                }
                Some('\n') | None => {}
                Some(' ' | '\t') if self.ends_line() => {
                    return Err(
                        self.error("a backslash continues a line only as its last character: a blank follows it")
                    );
                }
                Some(escaped) => self.push(escaped),
            },
            '\'' => {
                self.word().quoted = true;
                loop {
                    match self.next() {
                        Some('\'') => break,
                        Some(text) => self.push(text),
                        None => return Err(self.error("a single quote is not closed")),
                    }
                }
            }
            '"' => self.double_quoted()?,
            '$' => self.dollar(true)?,
            '`' => self.backquoted()?,
            other => self.push(other),
        }
        Ok(())
    }

    fn double_quoted(&mut self) -> Result<(), ShellError> {
        self.word().quoted = true;
        while self.peek(0) != Some('"') {
            if !self.quoted_part(true)? {
                return Err(self.error("a double quote is not closed"));
            }
        }
        self.at += 1;
        Ok(())
    }

    /// Reads a character or an expansion as it stands in double quotes, or in a here document, which has no quotes to
    /// escape. Returns whether there was one.
    fn quoted_part(&mut self, in_quotes: bool) -> Result<bool, ShellError> {
        match self.next() {
            Some('\\') => match self.next() {
                Some('\n') => {}
                Some(escaped @ ('$' | '`' | '\\')) => self.push(escaped),
                Some('"') if in_quotes => self.push('"'),
                other => {
                    self.push('\\');
                    other.into_iter().for_each(|other| self.push(other));
                }
            },
            Some('$') => self.dollar(false)?,
            Some('`') => self.backquoted()?,
            Some(text) => self.push(text),
            None => return Ok(false),
        }
        Ok(true)
    }

    /// Reads the text after a dollar sign. Outside of quotes it may be `$'…'`.
    fn dollar(&mut self, is_bare: bool) -> Result<(), ShellError> {
        match self.peek(0) {
            Some('\'') if is_bare => {
                self.at += 1;
                self.ansi_quoted()
            }
            Some('"') if is_bare => Ok(()),
            Some('(') => {
                self.at += 1;
                let script = self.until_closed()?;
                self.substitution(script);
                Ok(())
            }
            Some('{') => {
                self.at += 1;
                let inside = self.until_brace()?;
                self.expansion(&inside);
                Ok(())
            }
            Some(next) if next.is_ascii_alphabetic() || next == '_' => {
                let mut name = String::new();
                while let Some(next) = self.peek(0).filter(|next| next.is_ascii_alphanumeric() || *next == '_') {
                    name.push(next);
                    self.at += 1;
                }
                self.expansion(&name);
                Ok(())
            }
            Some(next) if let Some(name) = shell_expansion::special(next) => {
                self.at += 1;
                self.word().text.push_str(&template::variable(&name));
                Ok(())
            }
            _ => {
                self.push('$');
                Ok(())
            }
        }
    }

    /// The text up to the brace that closes `${`.
    fn until_brace(&mut self) -> Result<String, ShellError> {
        let (mut depth, mut inside) = (0_usize, String::new());
        loop {
            match self.next() {
                Some('}') if depth == 0 => return Ok(inside),
                Some(text) => {
                    depth = match text {
                        '{' if inside.ends_with('$') => depth + 1,
                        '}' => depth - 1,
                        _ => depth,
                    };
                    inside.push(text);
                }
                None => return Err(self.error("`${` is not closed by `}`")),
            }
        }
    }

    /// Adds the expansion `${inside}`.
    fn expansion(&mut self, inside: &str) {
        match shell_expansion::of(inside) {
            Expansion::Template(template) => self.word().text.push_str(&template),
            Expansion::Computed { name, shown } => {
                let name = self.computed.variable(&name, inside);
                let word = self.word();
                word.text.push_str(&template::variable(&name));
                word.computed.push((shown, name));
            }
        }
    }

    /// Adds the output of a command, which is unknown here, as a variable. The command itself is
    /// read too.
    fn substitution(&mut self, script: String) {
        let program = shell_expansion::program(&script);
        let name = self.computed.variable(&shell_expansion::output_of(program), &script);
        let shown = if program.is_empty() { "$(…)".to_owned() } else { format!("$({program} …)") };
        let word = self.word();
        word.substitutions.push(script);
        word.text.push_str(&template::variable(&name));
        word.computed.push((shown, name));
    }

    /// The text up to the parenthesis that closes `$(`.
    fn until_closed(&mut self) -> Result<String, ShellError> {
        let (mut depth, mut quote, mut script) = (1_usize, None, String::new());
        while let Some(character) = self.next() {
            match (quote, character) {
                (None, '(') => depth += 1,
                (None, ')') => depth -= 1,
                (None, '\'' | '"') => quote = Some(character),
                (Some(open), close) if open == close => quote = None,
                (Some('"') | None, '\\') => {
                    script.push('\\');
                    script.extend(self.next());
                    continue;
                }
                _ => {}
            }
            if depth == 0 {
                return Ok(script);
            }
            script.push(character);
        }
        Err(self.error("`$(` is not closed by `)`"))
    }

    fn backquoted(&mut self) -> Result<(), ShellError> {
        let mut script = String::new();
        loop {
            match self.next() {
                Some('`') => break,
                Some('\\') => {
                    // Before any other character it is one of the command in the quotes.
                    let escaped = self.next();
                    script.extend(escaped.filter(|next| !matches!(next, '`' | '$' | '\\')).map(|_| '\\'));
                    script.extend(escaped);
                }
                Some(text) => script.push(text),
                None => return Err(self.error("a back quote is not closed")),
            }
        }
        self.substitution(script);
        Ok(())
    }

    /// Reads `$'…'`: a quotation with escapes as in C.
    fn ansi_quoted(&mut self) -> Result<(), ShellError> {
        self.word().quoted = true;
        loop {
            match self.next() {
                Some('\'') => return Ok(()),
                Some('\\') => match self.next() {
                    Some('n') => self.push('\n'),
                    Some('r') => self.push('\r'),
                    Some('t') => self.push('\t'),
                    Some('u') => self.code(16, 4),
                    Some('U') => self.code(16, 8),
                    Some('x') => self.code(16, 2),
                    Some('0'..='7') => {
                        self.at -= 1;
                        self.code(8, 3);
                    }
                    Some(escaped) => self.push(escaped),
                    None => return Err(self.error("`$'` is not closed")),
                },
                Some(text) => self.push(text),
                None => return Err(self.error("`$'` is not closed")),
            }
        }
    }

    /// Reads a character by its code.
    fn code(&mut self, radix: u32, most: usize) {
        let mut number = 0;
        for _ in 0..most {
            let Some(digit) = self.peek(0).and_then(|next| next.to_digit(radix)) else { break };
            number = number * radix + digit;
            self.at += 1;
        }
        self.push(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER));
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
