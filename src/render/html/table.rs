//! Tables: the text alternatives of charts, and data that is best read as a table.

use super::writer::HtmlWriter;

/// A section that is collapsed until it is opened.
pub(crate) fn details(summary: &str, page: &mut HtmlWriter, content: impl FnOnce(&mut HtmlWriter)) {
    page.open("details", &[]);
    page.element("summary", &[], summary);
    content(page);
    page.close("details");
    page.line();
}

/// The rows of a table under construction.
pub(crate) struct TableRows<'p> {
    page: &'p mut HtmlWriter,
    numeric: NumericColumns<'p>,
}

/// Which columns hold numbers, which are right-aligned.
#[derive(Clone, Copy)]
enum NumericColumns<'n> {
    /// All but the first: set once, for the whole table.
    Most,
    /// The columns that are `true`.
    Some(&'n [bool]),
}

impl NumericColumns<'_> {
    fn at(self, column: usize) -> bool {
        match self {
            NumericColumns::Most => false,
            NumericColumns::Some(numeric) => numeric.get(column).copied().unwrap_or(false),
        }
    }
}

impl TableRows<'_> {
    /// One row: its first cell is its heading.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.row_of("", cells);
    }

    /// One row with a class.
    pub(crate) fn row_of(&mut self, class: &'static str, cells: impl IntoIterator<Item = String>) {
        let attributes: &[(&str, &str)] = if class.is_empty() { &[] } else { &[("class", class)] };
        self.page.open("tr", attributes);
        for (at, cell) in cells.into_iter().enumerate() {
            let class = if self.numeric.at(at) {
                "n"
            } else if cell.chars().count() > LONG {
                "wrap"
            } else {
                ""
            };
            let class: &[(&str, &str)] = if class.is_empty() { &[] } else { &[("class", class)] };
            match at {
                0 => self.page.element("th", &[("scope", "row")], &cell),
                _ => self.page.element("td", class, &cell),
            }
        }
        self.page.close("tr");
    }
}

/// Cells with more characters may wrap.
const LONG: usize = 40;

/// A table in which all columns but the first hold numbers.
pub(crate) fn write(caption: &str, headings: &[String], page: &mut HtmlWriter, rows: impl FnOnce(&mut TableRows<'_>)) {
    table(caption, headings, NumericColumns::Most, page, rows);
}

/// A table in which the columns that are `true` in `numeric` hold numbers, the others words.
pub(crate) fn columns(
    caption: &str,
    headings: &[String],
    numeric: &[bool],
    page: &mut HtmlWriter,
    rows: impl FnOnce(&mut TableRows<'_>),
) {
    table(caption, headings, NumericColumns::Some(numeric), page, rows);
}

fn table(
    caption: &str,
    headings: &[String],
    numeric: NumericColumns<'_>,
    page: &mut HtmlWriter,
    rows: impl FnOnce(&mut TableRows<'_>),
) {
    page.open("div", &[("class", "table"), ("tabindex", "0"), ("role", "region"), ("aria-label", caption)]);
    page.open("table", if matches!(numeric, NumericColumns::Most) { &[("class", "numbers")] } else { &[] });
    page.element("caption", &[], caption);
    page.raw("<thead><tr>");
    for (at, heading) in headings.iter().enumerate() {
        let class: &[(&str, &str)] =
            if numeric.at(at) { &[("scope", "col"), ("class", "n")] } else { &[("scope", "col")] };
        page.element("th", class, heading);
    }
    page.raw("</tr></thead><tbody>\n");
    rows(&mut TableRows { page, numeric });
    page.raw("</tbody></table></div>\n");
}
