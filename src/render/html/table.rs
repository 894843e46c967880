//! Tables: the text alternatives of charts, and what is best read as a table.

use super::markup::Page;

/// A part that is closed until it is wanted.
pub(super) fn details(summary: &str, page: &mut Page, content: impl FnOnce(&mut Page)) {
    page.open("details", &[]);
    page.element("summary", &[], summary);
    content(page);
    page.close("details");
    page.line();
}

/// The rows of a table being written.
pub(super) struct Rows<'p> {
    page: &'p mut Page,
    numeric: Numeric<'p>,
}

/// Which columns hold numbers, which stand on the right.
#[derive(Clone, Copy)]
enum Numeric<'n> {
    /// All but the first: said once, for the whole table.
    Most,
    /// These.
    Some(&'n [bool]),
}

impl Numeric<'_> {
    fn at(self, column: usize) -> bool {
        match self {
            Numeric::Most => false,
            Numeric::Some(numeric) => numeric.get(column).copied().unwrap_or(false),
        }
    }
}

impl Rows<'_> {
    /// One row: its first cell is its heading.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.row_of("", cells);
    }

    /// One row of a class.
    pub(super) fn row_of(&mut self, class: &'static str, cells: impl IntoIterator<Item = String>) {
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

/// A cell of more characters may be broken into lines.
const LONG: usize = 40;

/// A table whose columns but the first hold numbers.
pub(super) fn write(caption: &str, headings: &[String], page: &mut Page, rows: impl FnOnce(&mut Rows<'_>)) {
    table(caption, headings, Numeric::Most, page, rows);
}

/// A table of columns that hold numbers, or words.
pub(super) fn columns(
    caption: &str,
    headings: &[String],
    numeric: &[bool],
    page: &mut Page,
    rows: impl FnOnce(&mut Rows<'_>),
) {
    table(caption, headings, Numeric::Some(numeric), page, rows);
}

fn table(caption: &str, headings: &[String], numeric: Numeric<'_>, page: &mut Page, rows: impl FnOnce(&mut Rows<'_>)) {
    page.open("div", &[("class", "table"), ("tabindex", "0"), ("role", "region"), ("aria-label", caption)]);
    page.open("table", if matches!(numeric, Numeric::Most) { &[("class", "numbers")] } else { &[] });
    page.element("caption", &[], caption);
    page.raw("<thead><tr>");
    for (at, heading) in headings.iter().enumerate() {
        let class: &[(&str, &str)] =
            if numeric.at(at) { &[("scope", "col"), ("class", "n")] } else { &[("scope", "col")] };
        page.element("th", class, heading);
    }
    page.raw("</tr></thead><tbody>\n");
    rows(&mut Rows { page, numeric });
    page.raw("</tbody></table></div>\n");
}
