//! Suggestions for a command or an option that does not exist.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Error};

use crate::cli::command::Cli;
use crate::model::suggest;

/// Commands of other programs, and the equivalent commands of uptick.
const OTHER_WORDS: [(&str, &str); 15] = [
    ("run", "check"),
    ("probe", "check"),
    ("test", "check"),
    ("ping", "check"),
    ("get", "check"),
    ("start", "watch"),
    ("serve", "watch"),
    ("daemon", "watch"),
    ("status", "report"),
    ("show", "report"),
    ("lint", "validate"),
    ("config", "validate"),
    ("convert", "import"),
    ("version", "--version"),
    ("new", "init"),
];

/// Options of other programs, the commands after which they are typed (empty: any), and what to
/// write instead.
const OTHER_OPTIONS: &[(&[&str], &[&str], &str)] = &[
    (
        &["-s", "-S", "--silent", "--show-error", "--no-progress-meter"],
        &[],
        "leave it out; -q prints nothing when all is up",
    ),
    (
        &["-f", "--fail", "--fail-with-body"],
        &[],
        "leave it out: every status but 2xx fails, and --expect-status names others",
    ),
    (&["--compressed"], &[], "leave it out: every check accepts compressed answers"),
    (&["-G", "--get", "--url-query"], &[], "put the query into the URL: 'https://example.com/?q=a%20b'"),
    (&["--data-urlencode"], &[], "a form is encoded by --set form.name=value -X POST; a query is part of the URL"),
    (
        &["--url", "--target", "--host", "--hostname", "--path"],
        &[],
        "write the URL without an option: uptick check https://example.com",
    ),
    (&["--follow", "--follow-redirects"], &[], "leave it out: redirects are followed, and --no-follow stops that"),
    (&["--verify"], &[], "leave it out: certificates are verified, and -k stops that"),
    (&["-0", "--http1.0", "--http0.9"], &[], "write --http1.1, the oldest version that a check speaks"),
    (&["-U", "--proxy-user"], &[], "write -x 'http://USER:${secret:NAME}@proxy.example:3128', in single quotes"),
    (&["--socks5", "--socks5-hostname"], &[], "write -x socks5h://HOST:PORT"),
    (&["--noproxy"], &[], "leave out -x; --set proxy=environment reads `no_proxy`"),
    (&["-p", "--print", "-O", "--remote-name", "--download"], &["check"], "-v, -i and --body print what came"),
    (&["-z", "--duration", "--time-limit"], &["check"], "write --for TIME, with --every TIME between the passes"),
    (
        &["--vus", "--concurrency", "--connections", "--threads", "--rate", "--qps", "--iterations"],
        &["check", "watch"],
        "uptick is no load generator: --count N --every TIME makes one pass after the other",
    ),
    (
        &["--module", "--config.file", "--probe.module"],
        &[],
        "`uptick import blackbox.yml prometheus.yml` makes a probe file of a blackbox_exporter's",
    ),
    (
        &["-F", "--form", "--form-string", "--multipart"],
        &[],
        "a form is `form` or `multipart` in probes.toml: --set form.name=value",
    ),
    (&["-T", "--upload-file"], &[], "write -X PUT -d @FILE"),
    (&["-w", "--write-out", "--output-format", "--json-output"], &[], "write --format json"),
    (&["--connect-timeout"], &[], "write --expect-latency 'connect < 5s', or -m for the whole check"),
    (
        &["--retry", "--retries", "--retry-delay", "--retry-max-time", "--retry-all-errors", "--retry-connrefused"],
        &[],
        "write --set retries=3, or --wait 60s for a target that is about to come up",
    ),
    (
        &["--digest", "--ntlm", "--negotiate", "--aws-sigv4"],
        &[],
        "credentials of other kinds are `auth` in probes.toml",
    ),
    (
        &["--bearer", "--token", "--oauth2-bearer"],
        &[],
        "write -H 'Authorization: Bearer ${secret:NAME}', in single quotes",
    ),
    (&["-a", "--auth", "--basic"], &[], "write -u user:password"),
    (
        &["--status", "--expect", "--expect-code", "--expected-status", "--ok", "--status-code"],
        &[],
        "write --expect-status 200",
    ),
    (&["--expect-body-regex", "--expect-regex", "--regex", "--match"], &[], "write --expect-body-matches PATTERN"),
    (
        &["--contains", "--expect-text", "--expect-contains", "--body-contains", "--expect-body-contains", "--string"],
        &[],
        "write --expect-body TEXT",
    ),
    (
        &["--expect-time", "--latency", "--max-latency", "--max-duration", "--warn", "--warning", "--critical"],
        &["check", "watch", "validate"],
        "write --expect-latency 'total < 800ms'; what only warns is `warn` in probes.toml",
    ),
    (&["-C", "--certificate", "--cert-days"], &[], "write --expect-certificate-days 14"),
    (&["-r", "--range"], &[], "write -H 'Range: bytes=0-99' --expect-status 206"),
    (&["--location-trusted"], &[], "leave it out: redirects are followed, and no credentials go to another host"),
    (
        &["--tlsv1", "--tlsv1.0", "--tlsv1.1", "--tlsv1.2", "--tlsv1.3", "--tls-max", "-1"],
        &[],
        "the lowest version is --set tls.min-version=1.3; 1.2 is the default",
    ),
    (&["--max-filesize"], &[], "write --set expect.max-bytes=1MiB"),
    (&["--interface"], &[], "write --set source-interface=eth0 or --set source-address=192.0.2.1"),
    (&["--dns-servers", "--resolver", "--nameserver", "--dns"], &[], "write --set resolver=udp://1.1.1.1:53"),
    (&["-K"], &[], "no file of options is read; -c names the probe file"),
    (&["--cookie-jar", "-j", "--session"], &[], "cookies are kept within a check; -b NAME=VALUE sends one"),
    (&["--http2-prior-knowledge"], &[], "write --http2"),
    (&["--http3-only"], &[], "write --http3"),
    (&["--http-version"], &[], "write --http1.1, --http2 or --http3"),
    (&["--crlfile"], &[], "write --set tls.crl-file=FILE"),
    (&["--capath", "--ca", "--ca-file", "--ca-cert"], &[], "write --cacert FILE"),
    (&["--sni", "--server-name", "--servername"], &[], "write --set tls.server-name=example.com"),
    (
        &["-D", "--dump-header", "--headers", "--trace", "--trace-ascii", "--debug"],
        &["check"],
        "-i prints the head of each answer, -vv the headers both ways",
    ),
    (&["--log-level", "--loglevel"], &[], "-v prints more, -vv everything"),
    (&["--delay", "--pause", "--sleep"], &["check"], "write --every TIME"),
    (&["--no-fail", "--exit-zero"], &["check"], "write --fail-on never"),
    (&["--netrc"], &[], "write -u user:password"),
    (&["--pass"], &[], "a key file has no passphrase here: openssl pkey -in KEY -out PLAIN takes it off"),
    (
        &["--next", "--parallel", "-Z"],
        &["check"],
        "give all the URLs: they are checked at once, and options apply to each",
    ),
    (&["--version", "-V"], &["check", "watch", "report", "validate"], "write uptick --version"),
    (
        &[
            "-N",
            "--no-buffer",
            "-#",
            "--progress-bar",
            "--pretty",
            "--style",
            "-g",
            "--globoff",
            "--check-status",
            "--ignore-stdin",
            "--no-keepalive",
            "--tcp-nodelay",
            "--path-as-is",
            "--ssl-reqd",
        ],
        &["check"],
        "leave it out: it changes nothing here",
    ),
    (&["--no-check-certificate", "--no-verify", "--skip-verify", "--insecure-skip-verify"], &[], "write -k"),
    (&["--interval"], &["check"], "write --every TIME"),
    (&["--interval", "--every"], &["watch"], "each probe has its interval: --set interval=5s"),
    (&["--count", "-n"], &["watch"], "write --for TIME; `uptick check --count` makes so many passes"),
    (&["-n", "--times", "--repeat", "--requests", "--number"], &["check"], "write --count N"),
    (&["--port", "--metrics", "--web.listen-address"], &["watch"], "write --listen 127.0.0.1:9115"),
    (&["-D", "--daemon", "--detach", "-d"], &["watch"], "it runs until a signal: start it with systemd, or with `&`"),
    (&["--probe", "--name", "--only"], &["check", "watch", "validate"], "name it: uptick check home"),
    (&["--no-color", "--no-colour", "--nocolor"], &[], "write --color never, or set NO_COLOR=1"),
    (&["--tz", "--timezone"], &["check", "watch"], "write --utc, or set TZ=Europe/Berlin"),
    (&["--dry-run", "--check"], &["check", "watch"], "write `uptick validate`, which sends nothing"),
    (&["--probe", "--name"], &["report"], "--surface and --tag choose what a report is about"),
    (&["--last", "--past", "--period", "--duration"], &["report", "export"], "write --since 24h"),
    (&["--timezone", "--time-zone"], &["report"], "write --tz Europe/Berlin"),
    (&["--summary", "--short", "--oneline"], &["report"], "write --brief"),
    (&["--json"], &["report", "demo"], "write `report --format json`"),
    (&["--html"], &["report", "demo"], "write `report --format html=report.html`"),
    (&["--json"], &["export"], "write --otlp-json or --csv; `report --format json` is the answer"),
    (&["-o", "--output", "-c", "--config"], &["init"], "name the file: uptick init probes.toml https://example.com"),
    (&["--force", "-f", "--overwrite"], &["init"], "a file that exists is never replaced: remove it, or name another"),
    (&["--before", "--older-than", "--keep"], &["compact"], "write --hourly-after 7d and --daily-after 60d"),
];

/// The error with the most likely suggestion, instead of all similar words.
pub(super) fn with_suggestion(error: Error, words: &[String]) -> Error {
    match error.kind() {
        ErrorKind::InvalidSubcommand => with_command(error),
        ErrorKind::UnknownArgument => with_option(error, words),
        _ => error,
    }
}

/// Adds what to write instead of another program's option, or the most similar option.
fn with_option(mut error: Error, words: &[String]) -> Error {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg).cloned() else { return error };
    let known = Cli::command();
    let at = words.iter().position(|word| known.find_subcommand(word).is_some()).unwrap_or(words.len());
    let command = words.get(at).and_then(|word| known.find_subcommand(word));
    let name = command.map(clap::Command::get_name);
    // The word may contain more than the option: `-sS`, `--retry=3`.
    let is_before = option.starts_with('-') && words[..at].iter().any(|word| word.starts_with(&option));
    let is_for = |commands: &[&str]| commands.is_empty() || name.is_some_and(|name| commands.contains(&name));
    let other = OTHER_OPTIONS.iter().find(|(options, commands, _)| options.contains(&&*option) && is_for(commands));
    let tip = match (other, command) {
        _ if let Some((before, word)) = negative(words, &option) => {
            Some(format!("`{before}` takes no negative value: write {before} {}", word.trim_start_matches('-')))
        }
        _ if is_before => Some("options come after the command: uptick check -c FILE".to_owned()),
        (Some((_, _, instead)), Some(_)) => Some((*instead).to_owned()),
        _ => None,
    };
    // Somebody who meant an option has no use for advice on how to pass it as a value.
    error.remove(ContextKind::Suggested);
    error.remove(ContextKind::Usage);
    if let Some(tip) = tip {
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        return error;
    }
    let spellings = |argument: &'_ clap::Arg| -> Vec<String> {
        let aliases = argument.get_all_aliases().unwrap_or_default();
        argument.get_long().into_iter().chain(aliases).map(str::to_owned).collect()
    };
    let options: Vec<String> = command.into_iter().flat_map(clap::Command::get_arguments).flat_map(spellings).collect();
    let options = options.iter().map(String::as_str);
    let near = option.strip_prefix("--").and_then(|option| suggest::nearest(option, options));
    error.remove(ContextKind::SuggestedArg);
    if let Some(near) = near {
        error.insert(ContextKind::SuggestedArg, ContextValue::String(format!("--{near}")));
    }
    error
}

/// The option before a negative number that was taken for an option, and the number.
fn negative<'w>(words: &'w [String], option: &str) -> Option<(&'w str, &'w str)> {
    let is_number = |word: &str| word.starts_with('-') && word[1..].starts_with(|c: char| c.is_ascii_digit());
    let pair = words.windows(2).find(|pair| pair[0].starts_with("--") && pair[1].starts_with(option));
    pair.filter(|pair| is_number(&pair[1])).map(|pair| (pair[0].as_str(), pair[1].as_str()))
}

/// Adds the one command that was probably meant, instead of all similar ones.
fn with_command(mut error: Error) -> Error {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand).cloned() else { return error };
    let command = Cli::command();
    let known = command.get_subcommands().map(clap::Command::get_name);
    let other = OTHER_WORDS.iter().find(|(theirs, _)| *theirs == word).map(|(_, ours)| *ours);
    let meant = other.or_else(|| suggest::nearest(&word, known)).map(str::to_owned).or_else(|| {
        // Somebody who gives a URL without a command probably wants to check it.
        word.contains(['.', ':', '/']).then(|| format!("check {word}"))
    });
    error.remove(ContextKind::SuggestedSubcommand);
    if let Some(meant) = meant {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![meant]));
    }
    error
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn said(word: &str) -> String {
        said_of(&[word])
    }

    fn said_of(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let error = Cli::try_parse_from(std::iter::once("uptick".to_owned()).chain(words.clone())).unwrap_err();
        with_suggestion(error, &words).to_string()
    }

    #[test]
    fn an_option_of_another_program_is_told_with_ours() {
        for (words, ours) in [
            (&["check", "x.test", "--silent"][..], "-q prints nothing"),
            (&["check", "-sS", "x.test"], "-q prints nothing"),
            (&["check", "x.test", "--retry", "3"], "--set retries=3"),
            (&["check", "x.test", "--retry=3"], "--set retries=3"),
            (&["check", "x.test", "-Fa=b"], "--set form.name=value"),
            (&["check", "x.test", "--data-urlencode", "a=b"], "--set form.name=value"),
            (&["check", "x.test", "-z", "10s"], "--for TIME"),
            (&["check", "x.test", "--vus=10"], "one pass after the other"),
            (&["check", "x.test", "--follow"], "--no-follow stops that"),
            (&["check", "--url", "x.test"], "without an option"),
            (&["check", "--module=http_2xx", "x.test"], "uptick import blackbox.yml"),
            (&["watch", "--interval", "5s"], "--set interval=5s"),
            (&["check", "--interval", "5s"], "--every TIME"),
            (&["report", "--last", "24h"], "--since 24h"),
            (&["check", "--surfce", "web"], "'--surface'"),
            (&["check", "--surfce=web"], "'--surface'"),
            (&["check", "x.test", "--timout", "5"], "'--timeout'"),
            (&["check", "x.test", "--no-color"], "--color never"),
            (&["check", "x.test", "--range", "0-9"], "-H 'Range: bytes=0-99'"),
            (&["check", "x.test", "-D", "-"], "-i prints the head"),
            (&["check", "x.test", "-a", "u:p"], "-u user:password"),
            (&["check", "x.test", "--tlsv1.3"], "--set tls.min-version=1.3"),
            (&["check", "x.test", "-o", "json"], "write --format json"),
            (&["init", "-o", "x.toml"], "name the file: uptick init"),
            (&["check", "--every", "-1s"], "`--every` takes no negative value: write --every 1s"),
            (&["report", "--since", "-24h"], "write --since 24h"),
            (&["-c", "probes.toml", "check"], "options come after the command"),
            (&["--config=probes.toml", "check"], "options come after the command"),
            (&["-fsS", "x.test"], "options come after the command"),
        ] {
            let said = said_of(words);
            assert!(said.contains(ours) && !said.contains("as a value"), "{words:?}: {said}");
            assert!(!said.contains("Usage"), "{words:?}: {said}");
        }
        let unlike = said_of(&["check", "--xylophone"]);
        assert!(!unlike.contains("tip"), "{unlike}");
    }

    #[test]
    fn no_option_of_another_program_is_one_of_ours() {
        let whole = Cli::command();
        for (options, commands, _) in OTHER_OPTIONS {
            let all = whole.get_subcommands().filter(|command| commands.contains(&command.get_name()));
            for command in all {
                let longs: Vec<&str> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
                for option in *options {
                    assert!(!option.strip_prefix("--").is_some_and(|long| longs.contains(&long)), "{option}");
                }
            }
        }
    }

    #[test]
    fn a_wrong_command_is_told_the_one_that_was_meant() {
        for (word, meant) in [
            ("chekc", "'check'"),
            ("repotr", "'report'"),
            ("run", "'check'"),
            ("status", "'report'"),
            ("https://x.test", "'check https://x.test'"),
        ] {
            let said = said(word);
            assert!(said.contains(meant) && said.matches("similar").count() == 1, "{said}");
        }
        assert!(!said("xylophone").contains("similar"));
    }

    #[test]
    fn every_other_word_leads_to_a_command() {
        let command = Cli::command();
        for (theirs, ours) in OTHER_WORDS {
            let is_ours = ours == "--version" || command.find_subcommand(ours).is_some();
            assert!(is_ours && command.find_subcommand(theirs).is_none(), "{theirs}");
        }
    }
}
