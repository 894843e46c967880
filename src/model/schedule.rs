//! When a probe is due, and when its failures are expected: intervals, cron expressions with a time zone, maintenance
//! windows. No clock: the caller passes the instant.

mod fields;

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use croner::errors::CronError;
use croner::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

/// When a probe is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// At a fixed interval.
    Every(Duration),
    /// When a cron expression says so.
    Cron(Cron),
}

impl Schedule {
    /// The shortest time between two checks.
    #[must_use]
    pub const fn shortest(&self) -> Duration {
        match self {
            Schedule::Every(interval) => *interval,
            Schedule::Cron(cron) => cron.shortest,
        }
    }
}

/// A cron expression in a time zone: five fields, or six with seconds first, or a word like
/// `@hourly`, then the zone's name; UTC if there is none.
///
/// Where clocks go forward, a fixed time that does not exist that day is due when the gap ends;
/// where they go back, it is due once, the first time round. What repeats (`*`, `*/5`) is due in
/// real time: it leaves the gap out and runs through both halves of the repeated hour.
#[derive(Clone, PartialEq, Eq)]
pub struct Cron {
    source: String,
    pattern: Box<croner::Cron>,
    zone: TimeZone,
    shortest: Duration,
}

impl Cron {
    /// Number of due times searched for the shortest interval.
    const LOOKED_AT: usize = 200;
    /// Where that search starts: 1 January 2026, so that it covers half a year of clock changes.
    const LOOKED_FROM: i64 = 1_767_225_600;

    /// Parses an expression.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(source: &str) -> Result<Cron, String> {
        let source = source.trim();
        let (pattern, zone) = split_zone(source)?;
        if let Some(mistake) = fields::mistake(pattern) {
            return Err(mistake);
        }
        let parser = croner::parser::CronParser::builder().year(croner::parser::Year::Disallowed).build();
        let pattern = Box::new(parser.parse(pattern).map_err(|error| sentence(&error))?);
        let mut cron = Cron { source: source.to_owned(), pattern, zone, shortest: Duration::MAX };
        let from = Timestamp::constant(Self::LOOKED_FROM, 0);
        let mut before = cron.next_after(from).ok_or("no date ever matches it")?;
        for _ in 0..Self::LOOKED_AT {
            let Some(next) = cron.next_after(before) else { break };
            let between = next.duration_since(before).unsigned_abs();
            cron.shortest = cron.shortest.min(between);
            before = next;
        }
        Ok(cron)
    }

    /// The expression with its zone, as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Shortest interval between two due times.
    #[must_use]
    pub const fn shortest(&self) -> Duration {
        self.shortest
    }

    /// The first time it is due after an instant.
    #[must_use]
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        let from = WallClock(instant.to_zoned_datetime(self.zone.clone()));
        self.pattern.find_next_occurrence(&from, false).ok().map(|next| next.0.timestamp())
    }

    /// The last time it was due at or before an instant.
    #[must_use]
    pub fn last_at(&self, instant: Timestamp) -> Option<Timestamp> {
        let from = WallClock(instant.to_zoned_datetime(self.zone.clone()));
        self.pattern.find_previous_occurrence(&from, true).ok().map(|last| last.0.timestamp())
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cron").field(&self.source).finish()
    }
}

/// Splits off the last word if it names a time zone.
fn split_zone(source: &str) -> Result<(&str, TimeZone), String> {
    let (fields, last) = source.rsplit_once(char::is_whitespace).unwrap_or(("", source));
    if let Ok(zone) = TimeZone::get(last) {
        return Ok((fields.trim_end(), zone));
    }
    // No field of cron is a word this long: it was meant as a zone, unless it stands where the day of the week does.
    let is_a_name = source.split_whitespace().count() != 5
        && last.contains(|c: char| c.is_ascii_alphabetic())
        && last.len() > 5
        && !last.starts_with('@');
    let letters = last.split(|c: char| !c.is_ascii_alphabetic()).map(str::len).max().unwrap_or(0);
    if is_a_name && letters > 3 {
        return Err("its last word is not a time zone, such as Europe/Berlin".to_owned());
    }
    Ok((source, TimeZone::UTC))
}

fn sentence(error: &CronError) -> String {
    match error {
        CronError::EmptyPattern => "it is empty".to_owned(),
        CronError::InvalidPattern(why) | CronError::IllegalCharacters(why) | CronError::ComponentError(why) => {
            let why = why.trim_end_matches('.');
            why.chars()
                .next()
                .map_or_else(String::new, |first| format!("{}{}", first.to_lowercase(), &why[first.len_utf8()..]))
        }
        _ => "no date ever matches it".to_owned(),
    }
}

/// A date and time with its zone, for croner, which supports another version of jiff.
#[derive(Clone)]
struct WallClock(ZonedDateTime);

impl CronDateTime for WallClock {
    fn to_civil(&self) -> CivilDateTime {
        let parts = (self.0.month(), self.0.day(), self.0.hour(), self.0.minute(), self.0.second());
        let (month, day, hour, minute, second) = parts;
        let number = |part: i8| u32::from(part.unsigned_abs());
        let date = CivilDate::from_ymd_opt(i32::from(self.0.year()), number(month), number(day));
        let time = CivilTime::from_hms_opt(number(hour), number(minute), number(second));
        let (date, time) = date.zip(time).expect("a date and time of jiff exists");
        CivilDateTime::new(date, time)
    }

    fn civil_weekday(&self) -> Weekday {
        let days = u32::from(self.0.weekday().to_sunday_zero_offset().unsigned_abs());
        Weekday::from_days_from_sunday(days)
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let number = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidDate);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let (month, day) = (number(civil.month())?, number(civil.day())?);
        let (hour, minute, second) = (number(civil.hour())?, number(civil.minute())?, number(civil.second())?);
        let datetime = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0)
            .map_err(|_| CronError::InvalidDate)?;
        let ambiguous = self.0.time_zone().to_ambiguous_zoned_datetime(datetime);
        let told = |zoned: Result<ZonedDateTime, jiff::Error>| zoned.map(WallClock).map_err(|_| CronError::InvalidTime);
        Ok(match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => Resolution::Single(told(ambiguous.unambiguous())?),
            AmbiguousOffset::Fold { .. } => {
                Resolution::Ambiguous(told(ambiguous.clone().earlier())?, told(ambiguous.later())?)
            }
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(WallClock)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

/// A period in which failures are expected: checks run and are recorded and marked, but do not count against the
/// objective.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Maintenance {
    /// Once.
    Once {
        /// Start, inclusive.
        from: Timestamp,
        /// End, exclusive.
        to: Timestamp,
    },
    /// Repeatedly.
    Repeated {
        /// When it begins.
        begins: Cron,
        /// How long it is.
        lasts: Duration,
    },
}

impl Maintenance {
    /// Whether an instant is within it.
    #[must_use]
    pub fn covers(&self, instant: Timestamp) -> bool {
        match self {
            Maintenance::Once { from, to } => (*from..*to).contains(&instant),
            Maintenance::Repeated { begins, lasts } => {
                begins.last_at(instant).is_some_and(|begun| instant.duration_since(begun).unsigned_abs() < *lasts)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The next times of an expression, in Berlin's wall clock with its offset.
    fn next_in_berlin(expression: &str, after: &str, count: usize) -> Vec<String> {
        let cron = Cron::new(&format!("{expression} Europe/Berlin")).unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let mut at = instant(after);
        let mut next = Vec::new();
        for _ in 0..count {
            at = cron.next_after(at).unwrap();
            next.push(at.to_zoned_datetime(zone.clone()).strftime("%m-%d %H:%M%z").to_string());
        }
        next
    }

    #[test]
    fn a_fixed_time_in_the_gap_of_spring_is_due_when_the_gap_ends() {
        // Clocks go from 02:00 to 03:00 on 29 March 2026.
        let next = next_in_berlin("30 2 * * *", "2026-03-27T12:00:00Z", 3);
        assert_eq!(next, ["03-28 02:30+0100", "03-29 03:00+0200", "03-30 02:30+0200"]);
    }

    #[test]
    fn what_repeats_leaves_the_gap_of_spring_out() {
        let next = next_in_berlin("*/30 * * * *", "2026-03-29T00:15:00Z", 3);
        assert_eq!(next, ["03-29 01:30+0100", "03-29 03:00+0200", "03-29 03:30+0200"]);
    }

    #[test]
    fn a_fixed_time_in_the_repeated_hour_of_autumn_is_due_once() {
        // Clocks go from 03:00 back to 02:00 on 25 October 2026.
        let next = next_in_berlin("30 2 * * *", "2026-10-24T12:00:00Z", 2);
        assert_eq!(next, ["10-25 02:30+0200", "10-26 02:30+0100"]);
    }

    #[test]
    fn what_repeats_runs_through_both_halves_of_the_repeated_hour() {
        let next = next_in_berlin("*/30 * * * *", "2026-10-24T23:45:00Z", 5);
        let expected =
            ["10-25 02:00+0200", "10-25 02:30+0200", "10-25 02:00+0100", "10-25 02:30+0100", "10-25 03:00+0100"];
        assert_eq!(next, expected);
    }

    #[test]
    fn the_last_time_is_the_one_that_was_next_also_where_clocks_change() {
        let mut wrong = Vec::new();
        for (zone, days) in [
            ("Europe/Berlin", ["2026-03-28", "2026-10-24"]),
            ("America/New_York", ["2026-03-07", "2026-10-31"]),
            ("Australia/Lord_Howe", ["2026-04-04", "2026-10-03"]),
        ] {
            for fields in
                ["30 2 * * *", "0 2 * * *", "0 3 * * SUN", "15 1 * * *", "50 23 * * *", "*/30 * * * *", "15 * * * *"]
            {
                let cron = Cron::new(&format!("{fields} {zone}")).unwrap();
                for day in days {
                    let from = instant(&format!("{day}T00:00:00Z"));
                    let mut due = cron.next_after(from).unwrap();
                    while due < from + SignedDuration::from_hours(60) {
                        let next = cron.next_after(due).unwrap();
                        let mut at = due;
                        while at < next.min(due + SignedDuration::from_hours(30)) {
                            if cron.last_at(at) != Some(due) {
                                wrong.push(format!("{fields} {zone} at {at}: {:?}, not {due}", cron.last_at(at)));
                            }
                            at += SignedDuration::from_mins(10);
                        }
                        due = next;
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(40)]);
    }

    #[test]
    fn seconds_words_and_zones_are_read() {
        assert_eq!(Cron::new("*/15 * * * * *").unwrap().shortest, Duration::from_secs(15));
        assert_eq!(Cron::new("*/5 * * * * Europe/Berlin").unwrap().shortest, Duration::from_mins(5));
        assert_eq!(Cron::new("@hourly").unwrap().shortest, Duration::from_hours(1));
        assert_eq!(Cron::new("0 9 * * MON-FRI").unwrap().shortest, Duration::from_hours(24));
        for names in [
            "0 0 * JAN-DEC/2 *",
            "0 0 * jan,Feb MON-fri",
            "0 0 * * MON#2",
            "0 0 * * 5L",
            "0 0 LW * friL",
            "@WEEKLY UTC",
            "0 0 * * SAT-SUN",
            "0 0 * * 5-7",
            "0-30/10,45 */2 15W * ?",
            "0 0 L * MON#L",
        ] {
            assert!(Cron::new(names).is_ok(), "{names}");
        }
        assert_eq!(Cron::new("0 9 * * * America/New_York").unwrap().shortest, Duration::from_hours(23));
    }

    #[test]
    fn what_is_not_an_expression_is_told_why() {
        let told = |text: &str| Cron::new(text).unwrap_err();
        assert_eq!(told("* * *"), "it has 3 fields; a cron expression has 5, or 6 with seconds first");
        // Without any minute, the search for a date would go on for seconds.
        for empty in [", * * * *", "0, * * * *", "1,,2 * * * *", "0 0 , * *", ", * , * 4"] {
            assert!(told(empty).contains("has an empty part"), "{empty}");
        }
        assert_eq!(told("* * * * * Europe/Berlni"), "its last word is not a time zone, such as Europe/Berlin");
        for (text, why) in [
            ("0 0 * MON *", "`MON` is not a month: write 1 to 12, or JAN to DEC"),
            ("0 0 * January *", "`January` is not a month: write 1 to 12, or JAN to DEC"),
            ("0 0 * * jan", "`jan` is not a day of the week: write 0 to 7, or SUN to SAT"),
            ("0 0 * * Monday", "`Monday` is not a day of the week: write 0 to 7, or SUN to SAT"),
            ("0 0 FRI * *", "`FRI` is not a day of the month: write 1 to 31, or L for the last"),
            ("H * * * *", "`H` is not a minute: write 0 to 59"),
            ("a b c d e", "`a` is not a minute: write 0 to 59"),
            ("61 * * * *", "`61` is not a minute: write 0 to 59"),
            ("60 0 0 * * *", "`60` is not a second: write 0 to 59"),
            ("0 24 * * *", "`24` is not an hour: write 0 to 23"),
            ("0 0 0 * *", "`0` is not a day of the month: write 1 to 31, or L for the last"),
            ("0 0 * 13 *", "`13` is not a month: write 1 to 12, or JAN to DEC"),
            ("0 0 * * 1,8", "`8` is not a day of the week: write 0 to 7, or SUN to SAT"),
            ("-1 * * * *", "`-1` is not a minute: write 0 to 59"),
            ("+1 * * * *", "`+1` is not a minute: write 0 to 59"),
            ("5* * * * *", "`5*` is not a minute: write 0 to 59"),
            ("99999999999 * * * *", "`99999999999` is not a minute: write 0 to 59"),
            ("0 0 * * MON-", "`MON-` is not a day of the week: write 0 to 7, or SUN to SAT"),
            ("50-10 * * * *", "the range 50-10 ends before it begins: write two, with a comma"),
            ("1-5-7 * * * *", "`1-5-7` is not a range: write two values, as 1-5"),
            ("0 0 1 * *,1", "`*` in the list `*,1` stands for every value: write `*` alone, or the other values"),
            ("0,* 0 * * *", "`*` in the list `0,*` stands for every value: write `*` alone, or the other values"),
            ("0 0 1,?,3 * *", "`?` in the list `1,?,3` stands for every value: write `?` alone, or the other values"),
            ("*/61 * * * *", "the step of `*/61` is larger than the range 0 to 59: write 0"),
            ("0 */24 * * *", "the step of `*/24` is larger than the range 0 to 23: write 0"),
            ("*/0 * * * *", "the step of `*/0` is 0: write 1 or more"),
            ("*/5/2 * * * *", "the step of `*/5/2` is not a number: write it as */5"),
            ("0/5 * * * *", "`0/5` has a step without a range: write */5 or 0-59/5"),
            ("0 0 * * mon/2", "`mon/2` has a step without a range: write */2 or mon-SAT/2"),
            ("0 0 * * 1#9", "`1#9`: a month has a day of the week five times at most: write #1 to #5, or #L"),
            ("0 0 * * FRI-MON", "the range FRI-MON ends before it begins: write two, with a comma"),
            ("0 0 * DEC-feb/2 *", "the range DEC-feb ends before it begins: write two, with a comma"),
            ("CRON_TZ=Europe/Berlin 0 0 * * *", "its time zone stands last, as a word of its own"),
            ("@every 5m", "write `interval` for what is due every so often"),
        ] {
            assert_eq!(told(text), why);
        }
        assert!(told("@reboot").starts_with("`@reboot` is not one of @yearly, "));
        assert_eq!(told("0 0 31 2 *"), "no date ever matches it");
        assert!(!told("").is_empty());
    }

    #[test]
    fn a_maintenance_window_covers_its_time() {
        let once = Maintenance::Once { from: instant("2026-01-01T10:00:00Z"), to: instant("2026-01-01T12:00:00Z") };
        assert!(once.covers(instant("2026-01-01T10:00:00Z")));
        assert!(!once.covers(instant("2026-01-01T12:00:00Z")));
        let begins = Cron::new("0 3 * * SUN Europe/Berlin").unwrap();
        let weekly = Maintenance::Repeated { begins, lasts: Duration::from_hours(2) };
        // Sunday, 4 January 2026, is winter time: 03:00 is 02:00 UTC.
        assert!(!weekly.covers(instant("2026-01-04T01:59:59Z")));
        assert!(weekly.covers(instant("2026-01-04T02:00:00Z")));
        assert!(weekly.covers(instant("2026-01-04T03:59:59Z")));
        assert!(!weekly.covers(instant("2026-01-04T04:00:00Z")));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[0-9*/,LW#? A-Z@-]{0,24}") {
            let _ = Cron::new(&text);
        }
    }
}
