//! The commands in the code blocks of a Markdown page, as the documentation of an API has them.

/// The page with everything blank but the blocks that have curl in them, so that lines keep their numbers. `None` for a
/// text without such a block.
pub(crate) fn commands(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let fences: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].trim_start().starts_with("```")).collect();
    let mut page = vec![""; lines.len()];
    for block in fences.chunks_exact(2) {
        let block = block[0] + 1..block[1];
        if lines[block.clone()].iter().any(|line| line.contains("curl")) {
            page[block.clone()].copy_from_slice(&lines[block]);
        }
    }
    page.iter().any(|line| !line.is_empty()).then(|| page.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blocks_with_curl_keep_their_lines() {
        let page =
            "It's a page.\n```sh\ncurl a \\\n -d b\n```\nDon't:\n  ```json\n{}\n  ```\n```\n$ curl c\n```\n```\ncurl";
        assert_eq!(commands(page).unwrap(), "\n\ncurl a \\\n -d b\n\n\n\n\n\n\n$ curl c\n\n\n");
        assert_eq!(commands("```\nls\n```\ncurl a"), None);
    }
}
