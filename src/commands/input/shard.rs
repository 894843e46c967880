//! Which shard this process is: from `--shard`, otherwise from the number of shards and the ordinal
//! that Kubernetes, Nomad or systemd give the process.

use crate::commands::input::locations;
use crate::commands::process::exit::CliError;
use crate::model::Shard;

/// The environment variable with the number of shards.
const SHARDS: &str = "UPTICK_SHARDS";

/// The environment variables that hold an ordinal: of a pod of an Indexed Job, and of a Nomad
/// allocation.
const ORDINALS: [&str; 2] = ["JOB_COMPLETION_INDEX", "NOMAD_ALLOC_INDEX"];

/// The shard of this process; `None` if neither the option nor the environment names one.
pub(crate) fn of_process(given: Option<Shard>) -> Result<Option<Shard>, CliError> {
    let host_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    of(given, &locations::env, &host_name).map_err(CliError::usage)
}

fn of(given: Option<Shard>, env: &dyn Fn(&str) -> Option<String>, host_name: &str) -> Result<Option<Shard>, String> {
    let env = |name: &str| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let Some(shards) = env(SHARDS).filter(|_| given.is_none()) else { return Ok(given) };
    let number = |name: &str, value: &str| {
        value.parse::<u32>().map_err(|_| format!("{name} must be a whole number, and is {value:?}"))
    };
    let of = number(SHARDS, &shards)?;
    if of == 0 {
        return Err(format!("{SHARDS}=0: there cannot be 0 shards; it is how many there are"));
    }
    let (source, index) = match ORDINALS.into_iter().find_map(|name| Some((name, env(name)?))) {
        Some((name, value)) => (name.to_owned(), number(name, &value)?),
        None => (format!("the host name {host_name:?}"), ordinal(host_name)?),
    };
    Shard::new(index, of).map(Some).map_err(|why| format!("shard {index} by {source} of {SHARDS}={of}: {why}"))
}

/// The ordinal at the end of a host name, as a `StatefulSet` assigns it: `uptick-3`.
fn ordinal(host_name: &str) -> Result<u32, String> {
    let name = host_name.split('.').next().unwrap_or_default();
    let digits = name.rsplit('-').next().filter(|digits| digits.len() < name.len());
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| {
        format!(
            "{SHARDS} is set, and nothing says which shard this is: set JOB_COMPLETION_INDEX or NOMAD_ALLOC_INDEX, \
             run on a host whose name ends in -0, -1, …, or give --shard I/N; the host name is {host_name:?}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(variables: &[(&str, &str)], host_name: &str) -> Result<Option<Shard>, String> {
        let env = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        of(None, &env, host_name)
    }

    #[test]
    fn the_ordinal_comes_from_whoever_started_us() {
        let third = Ok(Some(Shard { index: 2, of: 4 }));
        assert_eq!(shard(&[("UPTICK_SHARDS", "4"), ("JOB_COMPLETION_INDEX", "2")], "node-7"), third);
        assert_eq!(shard(&[("UPTICK_SHARDS", "4"), ("NOMAD_ALLOC_INDEX", "2")], "node"), third);
        assert_eq!(shard(&[("UPTICK_SHARDS", "4"), ("JOB_COMPLETION_INDEX", "")], "uptick-2"), third);
        assert_eq!(shard(&[("UPTICK_SHARDS", " 4 ")], "uptick-2.uptick.default.svc.cluster.local"), third);
        assert_eq!(shard(&[("JOB_COMPLETION_INDEX", "2")], "uptick-2"), Ok(None), "nobody speaks of shards");
        assert_eq!(shard(&[("UPTICK_SHARDS", "")], "uptick-2"), Ok(None));
        let given = Some(Shard { index: 0, of: 2 });
        assert_eq!(of(given, &|_| Some("9".to_owned()), "x"), Ok(given), "the option wins");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        for (variables, host_name, named) in [
            (&[("UPTICK_SHARDS", "four")][..], "uptick-2", "UPTICK_SHARDS"),
            (&[("UPTICK_SHARDS", "0")], "uptick-2", "UPTICK_SHARDS=0"),
            (&[("UPTICK_SHARDS", "0")], "laptop", "UPTICK_SHARDS=0"),
            (&[("UPTICK_SHARDS", "2")], "uptick-2", "the host name \"uptick-2\""),
            (&[("UPTICK_SHARDS", "4")], "laptop", "--shard"),
            (&[("UPTICK_SHARDS", "4")], "7", "--shard"),
            (&[("UPTICK_SHARDS", "4")], "uptick-", "--shard"),
            (&[("UPTICK_SHARDS", "4"), ("JOB_COMPLETION_INDEX", "4")], "uptick-2", "JOB_COMPLETION_INDEX"),
            (&[("UPTICK_SHARDS", "4"), ("JOB_COMPLETION_INDEX", "x")], "uptick-2", "JOB_COMPLETION_INDEX"),
        ] {
            let why = shard(variables, host_name).unwrap_err();
            assert!(why.contains(named), "{why}");
        }
    }
}
