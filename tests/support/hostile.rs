//! Strings that have a meaning for a terminal, a browser, a parser or a CI runner. Each contains
//! the word `pwn`, so that a test can distinguish a string that was displayed from one that was
//! lost.

/// What a server, a certificate, a resolver or the author of a pull request might write.
pub const STRINGS: [&str; 71] = [
    // Terminals: titles, colours, links, cursors, bells, device queries, 8-bit controls.
    "\u{1b}]0;pwn\u{7}",
    "\u{1b}[31mpwn\u{1b}[0m",
    "\u{1b}]8;;http://pwn.test\u{1b}\\click\u{1b}]8;;\u{1b}\\",
    "\u{1b}[2J\u{1b}[Hpwn",
    "\u{1b}[1A\u{1b}[2Kpwn ok",
    "\u{1b}P$q\"p\u{1b}\\pwn",
    "\u{1b}[6npwn",
    "\u{9b}31mpwn",
    "\u{9d}0;pwn\u{9c}",
    "pwn\u{8}\u{8}\u{8}ok ",
    "pwn\rok 1 - all is well",
    "\u{7f}pwn\u{0}pwn",
    "pwn\u{b}pwn\u{c}pwn",
    // Text that is not what it looks like.
    "\u{202e}nwp\u{202c}pwn",
    "\u{2066}pwn\u{2069}",
    "p\u{200b}w\u{200d}n pwn",
    "\u{feff}pwn",
    "pwn\u{2028}pwn\u{2029}pwn",
    "\u{e0001}\u{e0070}pwn",
    "pwn\u{fe0f}\u{20e3}",
    "p\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}wn pwn",
    // New lines that start a command.
    "pwn\n::error::pwn",
    "pwn\r\n::set-output name=pwn::pwn",
    "pwn\n  ::add-mask::pwn",
    "::stop-commands::pwn",
    "##[error]pwn",
    "##[group]pwn",
    "pwn%0A::error::pwn",
    "a long text of a server that is broken into lines at its blanks where the terminal ends pwn ::error::pwn",
    "pwn##vso[task.setvariable variable=PATH]pwn",
    "pwn\n##teamcity[buildStatus text='pwn']",
    "pwn###[error]pwn",
    "pwn\nsection_start:1:pwn\r\u{1b}[0Kpwn",
    "pwn\u{fffe}pwn\u{ffff}pwn",
    "pwn\u{fdd0}pwn\u{1fffe}pwn\u{10ffff}",
    "pwn\nok 2 - pwn\nnot ok 3 - pwn",
    "pwn # SKIP pwn",
    "pwn # TODO pwn",
    "Bail out! pwn",
    "pwn\n  ...\nok 9 - pwn",
    "pwn\nuptick_up 1\n# HELP pwn",
    "pwn\"} 1\nuptick_probe_up{probe=\"pwn",
    "pwn\\\"} 1",
    "pwn|pwn=1;2;3;4",
    "pwn\nCRITICAL - pwn",
    // Markup.
    "<script>alert('pwn')</script>",
    "</script><script>alert('pwn')</script>",
    "</title><svg/onload=alert('pwn')>",
    "<img src=x onerror=alert('pwn')>",
    "\" onmouseover=\"alert('pwn')",
    "' onfocus='alert(`pwn`)' autofocus='",
    "<!--pwn--><!DOCTYPE pwn>",
    "]]><pwn/>",
    "<![CDATA[pwn]]>",
    "&pwn;&#x70;&#0;",
    "</testcase><testcase name=\"pwn\"/>",
    "<?pwn version=\"1.0\"?>",
    "{{pwn}}{%pwn%}${pwn}",
    "javascript:alert('pwn')",
    "data:text/html,<script>pwn</script>",
    // Markdown and tables.
    "[pwn](http://pwn.test)",
    "![pwn](http://pwn.test/x.png)",
    "| pwn | pwn |\n|---|---|",
    "```\npwn\n```",
    "`pwn`` ```pwn",
    "@pwn #1 http://pwn.test www.pwn.test pwn@pwn.test",
    "<http://pwn.test> <details><summary>pwn",
    // Spreadsheets and shells.
    "=HYPERLINK(\"http://pwn.test\",\"pwn\")",
    "@SUM(1+1)*cmd|' /C pwn'!A0",
    "+pwn,\"pwn\"\n-pwn",
    "$(pwn) `pwn` ; rm -rf pwn '\\''pwn",
];

/// The same as bytes, with invalid UTF-8 at the end.
pub fn bytes(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\xff\xfe\xc3"].concat()
}
