use super::*;

fn read(script: &str) -> Result<Vec<Token>, ShellError> {
    tokens(script, &mut ComputedValues::default())
}

fn words(script: &str) -> Vec<String> {
    let tokens = read(script).unwrap();
    let words = tokens.into_iter().map(|token| match token {
        Token::Word(word) => word.text,
        Token::End | Token::Line => ";".to_owned(),
        Token::Stdin(word) => format!("<{}", word.text),
    });
    words.collect()
}

#[test]
fn quotes_escapes_and_continuations_are_read_as_bash_reads_them() {
    assert_eq!(words(r#"a 'b c' "d \"e\" \x" f\ g"#), ["a", "b c", "d \"e\" \\x", "f g", ";"]);
    assert_eq!(words("a \\\n  b \\\r\n c"), ["a", "b", "c", ";"]);
    assert_eq!(words(r"$'it\'s\n\u0021 \x41\101'"), ["it's\n! AA", ";"]);
    assert_eq!(words("''"), ["", ";"]);
}

#[test]
fn a_dollar_in_single_quotes_is_text_and_a_variable_elsewhere() {
    assert_eq!(
        words(r#"'$A ${B}' "$A ${B}x" $C "\$D" "${E:-f}" ${G//a/b} $1 "${H:-${I:-j}}k" 5$ $+"#)[..10],
        [
            "$A $${B}",
            "${A} ${B}x",
            "${C}",
            "$D",
            "${E:-f}",
            "${G_EXPANDED}",
            "${ARGUMENT_1}",
            "${H_EXPANDED}k",
            "5$",
            "$+"
        ]
    );
}

#[test]
fn operators_comments_and_redirections_are_not_words() {
    assert_eq!(
        words("a x > /dev/null 2>&1 && b # c\nd; e | f#g"),
        ["a", "x", ";", ";", "b", ";", "d", ";", "e", ";", "f#g", ";"]
    );
    assert_eq!(words("a <<< \"x $Y\""), ["a", "<x ${Y}", ";"]);
}

#[test]
fn a_here_document_is_what_the_command_reads() {
    assert_eq!(
        words("curl -d @- u <<'EOF' | jq\n{\"a\": \"$x\"}\nEOF\nb"),
        ["curl", "-d", "@-", "u", ";", "jq", "<{\"a\": \"$x\"}\n", ";", "b", ";"]
    );
    let expanded = words("a <<E\n\"$x\" \\$y \\\" ${z:-1} $(date) `date`\\\n.\nE");
    assert_eq!(expanded[1], "<\"${x}\" $y \\\" ${z:-1} ${DATE_OUTPUT} ${DATE_OUTPUT}.\n");
}

#[test]
fn a_script_that_breaks_off_says_where() {
    let error = read("a\nb 'c").unwrap_err();
    assert_eq!((error.line, error.column, error.message), (2, 5, "a single quote is not closed"));
    assert!(read("\"$(a").is_err() && read("`").is_err() && read("${").is_err() && read("$'").is_err());
}

#[test]
fn a_back_quoted_command_keeps_its_escapes() {
    let tokens = read("a `b \\\n c \\\" \\\\x \\$y`").unwrap();
    let Some(Token::Word(word)) = tokens.get(1) else { panic!("{tokens:?}") };
    assert_eq!(word.substitutions, ["b \\\n c \\\" \\x $y"]);
    assert_eq!(word.computed, [("$(b …)".to_owned(), "B_OUTPUT".to_owned())]);
}
