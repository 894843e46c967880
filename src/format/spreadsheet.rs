//! Text for the cells of a spreadsheet.

/// Text that no spreadsheet reads as a formula: if it begins like one, an apostrophe precedes it.
pub(crate) fn spreadsheet_text(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_becomes_text() {
        for (text, cell) in [("home", "home"), ("=1+1", "'=1+1"), ("@sum", "'@sum"), ("", "")] {
            assert_eq!(spreadsheet_text(text), cell);
        }
    }
}
