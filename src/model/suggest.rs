//! Finds the word that a misspelt one was meant to be: the source of every "did you mean".

/// The nearest of some words, if one is near enough to be meant.
#[must_use]
pub fn nearest<'w>(word: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    words
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= tolerance(word, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many edits apart a word and another may be: a third of the shorter one, and of the longer one if it only goes on.
fn tolerance(word: &str, candidate: &str) -> usize {
    let (word_length, length) = (word.chars().count(), candidate.chars().count());
    if word.is_empty() {
        return 0;
    }
    if word.starts_with(candidate) || candidate.starts_with(word) {
        return word_length.max(length).div_ceil(3).min(3);
    }
    ((word_length.min(length) + 1) / 3).clamp(1, 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let known = ["vantage", "cert", "surface", "timeout", "wait", "data", "open", "proxy"];
        for (word, meant) in
            [("timout", "timeout"), ("surfce", "surface"), ("wiat", "wait"), ("opened", "open"), ("porxy", "proxy")]
        {
            assert_eq!(nearest(word, known.into_iter()), Some(meant), "{word}");
        }
        for word in ["range", "next", "trace", "warn", "path", "sni", "x", ""] {
            assert_eq!(nearest(word, known.into_iter()), None, "{word}");
        }
    }
}
