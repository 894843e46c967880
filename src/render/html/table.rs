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
    /// Whether each column holds numbers, which stand on the right.
    numeric: Vec<bool>,
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
            let long = cell.chars().count() > 40;
            match (at, self.numeric.get(at).copied().unwrap_or(false)) {
                (0, _) => self.page.element("th", &[("scope", "row")], &cell),
                (_, true) => self.page.element("td", &[("class", "n")], &cell),
                _ if long => self.page.element("td", &[("class", "wrap")], &cell),
                _ => self.page.element("td", &[], &cell),
            }
        }
        self.page.close("tr");
    }
}

/// A table whose columns but the first hold numbers.
pub(super) fn write(caption: &str, headings: &[String], page: &mut Page, rows: impl FnOnce(&mut Rows<'_>)) {
    let numeric: Vec<bool> = (0..headings.len()).map(|at| at > 0).collect();
    columns(caption, headings, &numeric, page, rows);
}

/// A table of columns that hold numbers, or words.
pub(super) fn columns(
    caption: &str,
    headings: &[String],
    numeric: &[bool],
    page: &mut Page,
    rows: impl FnOnce(&mut Rows<'_>),
) {
    page.open("div", &[("class", "table"), ("tabindex", "0"), ("role", "region"), ("aria-label", caption)]);
    page.open("table", &[]);
    page.element("caption", &[], caption);
    page.raw("<thead><tr>");
    for (at, heading) in headings.iter().enumerate() {
        let class = if numeric.get(at).copied().unwrap_or(false) { "n" } else { "w" };
        page.element("th", &[("scope", "col"), ("class", class)], heading);
    }
    page.raw("</tr></thead><tbody>\n");
    rows(&mut Rows { page, numeric: numeric.to_vec() });
    page.raw("</tbody></table></div>\n");
}
