//! The parts of a word: quotes, escapes, and what a dollar sign or a back quote begins.

use super::{ShellError, WordReader};
use crate::import::shell_expansion::{self, Expansion};
use crate::import::template;

impl WordReader<'_> {
    /// Reads a part of a word that starts with this character.
    pub(super) fn part(&mut self, character: char) -> Result<(), ShellError> {
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
    pub(super) fn quoted_part(&mut self, in_quotes: bool) -> Result<bool, ShellError> {
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
}
