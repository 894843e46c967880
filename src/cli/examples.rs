//! Examples of each command, for the help and the manual page. `-h` shows the first lines.

/// The meaning of the exit statuses.
pub(super) const EXIT_STATUS: &str = "\
Exit status:
  0    all up
  1    at least one down, or a --fail-on condition met
  2    usage or configuration error; nothing was probed
  3    unknown: nothing down, but not everything was judged or recorded
  75   with --single-instance: another run uses the journal
  129  the terminal was closed (130: interrupted, 143: terminated)";

/// What to include in a bug report.
pub(super) const BUG_REPORTS: &str = "\
For a bug report: uptick --version -v, and uptick check -vv --format json";

pub(super) const CHECK: &str = "\
Examples:
  uptick check                                    every probe of probes.toml
  uptick check example.com :8080/health           URLs and hosts, without a file
  uptick check api --count 20 --every 1s          twenty passes, a line each
  uptick check https://x.test --wait 60s          after a deploy: until it is up
  uptick check https://x.test/api -H 'X-Key: ${secret:KEY}' --expect-json '$.ok'
      a request as curl sends it, and what must hold
  uptick check https://x.test -vv --body          what was sent and what came
  uptick check https://x.test --save home         the same probe in probes.toml
  uptick check --record --quiet                   from cron: silent if all is up
  uptick check --format human --format junit=uptick.xml
      in CI: for people, and for the job's page
  uptick check --count 20 --fail-on 'p95 > 800ms' fail on latency too";

pub(super) const WATCH: &str = "\
Examples:
  uptick watch                                    every probe of probes.toml
  uptick watch example.com --no-record            a URL, for a look
  uptick watch --for 10m                          ten minutes, then a summary
  uptick watch --listen 127.0.0.1:9115            with metrics for Prometheus";

pub(super) const REPORT: &str = "\
Examples:
  uptick report                                   the last day of the journal
  uptick report --since 2h --brief                the first line of the answer
  uptick report fra/ lhr/ --from 2026-11-28T09:00Z --to 2026-11-28T18:00Z
      one answer from the journals of two vantages
  uptick report --format html=report.html         a self-contained page
  uptick report --since 30d --format site=public
      a status page for others: static files, kept up to date by cron
  uptick report --fail-on slo
      status 1 where an error budget burns";

pub(super) const VALIDATE: &str = "\
Examples:
  uptick validate                  what would be probed; sends nothing
  uptick validate --strict         refuse variables that are not set
  uptick validate --explain home   one probe with every default filled in";

pub(super) const DEMO: &str = "\
Examples:
  uptick demo                   an outage, played, probed and reported
  uptick demo --scenario list   the outages that can be played
  uptick demo --keep demo       keep the journal and the report";

pub(super) const INIT: &str = "\
Examples:
  uptick init                                   a template with comments
  uptick init https://example.com/ api.example.com/health
      probes of what these answer now
  uptick init mine.toml localhost:8080          the same in another file";

pub(super) const IMPORT: &str = "\
Examples:
  uptick import request.sh                    curl, also copied by a browser
  uptick import recorded.har                  what a browser has recorded
  uptick import blackbox.yml prometheus.yml   modules and their targets
  uptick import blackbox.yml targets.json     the same with file_sd targets
  uptick import gatus/config.yaml             Gatus
  uptick import kuma-backup.json              Uptime Kuma
  uptick import request.sh -o probes.toml     into a file
What cannot be carried over becomes a comment with the reason;
secrets become ${secret:NAME}.";

pub(super) const COMPACT: &str = "\
Examples:
  uptick compact      hourly after 7 days, daily after 60
  uptick compact s3://bucket/uptick --hourly-after 2d";

pub(super) const EXPORT: &str = "\
Examples:
  uptick export --csv -o checks.csv             the last hour as a table
  uptick export --since 7d --remote-write http://localhost:9090/api/v1/write";

pub(super) const COMPLETIONS: &str = "\
Examples:
  uptick completions bash > ~/.local/share/bash-completion/completions/uptick
  uptick completions zsh > ~/.zfunc/_uptick
  uptick completions fish > ~/.config/fish/completions/uptick.fish";

/// The examples of a command by its name.
pub(super) fn of(command: &str) -> &'static str {
    match command {
        "check" => CHECK,
        "watch" => WATCH,
        "report" => REPORT,
        "validate" => VALIDATE,
        "demo" => DEMO,
        "init" => INIT,
        "import" => IMPORT,
        "compact" => COMPACT,
        "export" => EXPORT,
        "completions" => COMPLETIONS,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_fits_a_terminal_of_eighty_columns() {
        let commands =
            ["check", "watch", "report", "validate", "demo", "init", "import", "compact", "export", "completions"];
        let all = commands.map(of);
        for line in all.iter().copied().chain([EXIT_STATUS, BUG_REPORTS]).flat_map(str::lines) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
