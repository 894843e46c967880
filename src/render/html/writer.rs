//! Writes a page. Tags and attribute names are constants of the program; all texts and values are
//! escaped, so that nothing from outside can become markup.

use std::fmt::Write as _;

use crate::render::text;

/// HTML under construction.
#[derive(Debug, Default)]
pub(crate) struct HtmlWriter {
    html: String,
}

/// Attributes: a constant name and a value.
pub(crate) type Attributes<'a> = &'a [(&'static str, &'a str)];

impl HtmlWriter {
    /// Adds constant markup without escaping.
    pub(crate) fn raw(&mut self, markup: &'static str) {
        self.html.push_str(markup);
    }

    /// Adds text.
    pub(crate) fn text(&mut self, content: &str) {
        escape_into(&text::visible(content), &mut self.html);
    }

    /// Adds text that may wrap after a `_` or a `..`.
    pub(crate) fn breakable(&mut self, content: &str) {
        let mut rest = content;
        while let Some(at) = rest.find("..").map(|at| at + 2).into_iter().chain(rest.find('_').map(|at| at + 1)).min() {
            self.text(&rest[..at]);
            self.raw("<wbr>");
            rest = &rest[at..];
        }
        self.text(rest);
    }

    /// Opens an element.
    pub(crate) fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.start(tag, attributes);
        self.html.push('>');
    }

    /// Closes an element.
    pub(crate) fn close(&mut self, tag: &'static str) {
        let _ = write!(self.html, "</{tag}>");
    }

    /// An element that contains only text.
    pub(crate) fn element(&mut self, tag: &'static str, attributes: Attributes<'_>, content: &str) {
        self.open(tag, attributes);
        self.text(content);
        self.close(tag);
    }

    /// An empty SVG element.
    pub(crate) fn leaf(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        self.start(tag, attributes);
        self.html.push_str("/>");
    }

    /// An SVG element with a tooltip.
    pub(crate) fn pointed(&mut self, tag: &'static str, attributes: Attributes<'_>, says: &str) {
        self.open(tag, attributes);
        self.element("title", &[], says);
        self.close(tag);
    }

    /// Ends a line, to make the source readable.
    pub(crate) fn line(&mut self) {
        self.html.push('\n');
    }

    /// A JSON document in a script element. There only `</script` and `<!--` would be markup, so
    /// every `<` is escaped.
    pub(crate) fn json(&mut self, document: &str) {
        self.html
            .push_str(&document.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"));
    }

    /// The page.
    pub(crate) fn finish(self) -> String {
        self.html
    }

    fn start(&mut self, tag: &'static str, attributes: Attributes<'_>) {
        let _ = write!(self.html, "<{tag}");
        for (name, value) in attributes {
            let _ = write!(self.html, " {name}=\"");
            escape_into(value, &mut self.html);
            self.html.push('"');
        }
    }
}

/// Escapes the five characters that have a meaning in HTML text and quoted attribute values.
fn escape_into(content: &str, html: &mut String) {
    for character in content.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_values_cannot_be_markup() {
        let mut page = HtmlWriter::default();
        page.element("p", &[("title", "a\"b'c<&")], "</p><script>alert(1)</script>");
        let expected = "<p title=\"a&quot;b&#39;c&lt;&amp;\">&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;</p>";
        assert_eq!(page.finish(), expected);
    }

    #[test]
    fn json_cannot_end_its_script() {
        let mut page = HtmlWriter::default();
        page.json(r#"{"a":"</script><!--"}"#);
        assert_eq!(page.finish(), r#"{"a":"\u003c/script>\u003c!--"}"#);
    }
}
