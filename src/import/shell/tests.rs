use super::*;

fn curls(script: &str) -> Vec<Vec<String>> {
    commands(script, "curl").unwrap().into_iter().map(|command| command.words).collect()
}

#[test]
fn commands_are_found_wherever_a_script_runs_them() {
    let script = "HEALTHCHECK --interval=5m CMD curl -f h || exit 1\nset -e\nif ! curl a; then exit; fi\ncode=$(curl -s b)\n$ /usr/bin/curl c && X=1 curl d | jq .\necho curl e";
    assert_eq!(
        curls(script),
        [
            vec!["curl", "-f", "h"],
            vec!["curl", "a"],
            vec!["curl", "-s", "b"],
            vec!["/usr/bin/curl", "c"],
            vec!["curl", "d"]
        ]
    );
}

#[test]
fn variables_of_the_script_are_filled_in_unless_they_are_secret() {
    let script = "BASE=https://x.test\nexport API_TOKEN=abc\ncurl -H \"t: $API_TOKEN\" $BASE/$OTHER";
    assert_eq!(curls(script), [vec!["curl", "-H", "t: ${API_TOKEN}", "https://x.test/${OTHER}"]]);
}

#[test]
fn what_the_shell_computes_is_no_value_of_a_variable() {
    let script = "HOST=a.test\nNAME=${HOST%%.*}\nBASE=${1:-https://b.test}\n\
                  curl https://$NAME ${HOST:-c.test} ${HOST%.*} $BASE/x\ncurl -d @- d <<E\n$HOST\nE";
    let found = commands(script, "curl").unwrap();
    let words = ["curl", "https://${NAME}", "a.test", "${HOST_EXPANDED_2}", "${ARGUMENT_1:-https://b.test}/x"];
    assert_eq!(found[0].words, words);
    assert_eq!(found[0].computed, [("${HOST%…}".to_owned(), "HOST_EXPANDED_2".to_owned())]);
    assert_eq!(found[1].stdin.as_deref(), Some("a.test\n"));
}

#[test]
fn a_command_behind_another_programs_arguments_is_found() {
    let script = "timeout 10 curl a\nsudo nohup /usr/bin/curl b &\nwatch -n 5 curl.exe c\ntimeout 5 wget d";
    assert_eq!(curls(script), [vec!["curl", "a"], vec!["/usr/bin/curl", "b"], vec!["curl.exe", "c"]]);
}

#[test]
fn a_command_that_runs_elsewhere_is_found_and_says_where() {
    let script = "ssh -p 22 host curl -s a\nssh host 'cd /x && curl b'\nsudo docker exec -it c curl d\n\
                  kubectl exec pod -- curl e\ndocker run --rm curlimages/curl f\nvagrant ssh -c \"curl g\"\n\
                  docker pull curlimages/curl-base\nssh host uptime\ncurl h";
    let found = commands(script, "curl").unwrap();
    let told: Vec<(&str, &str)> = found
        .iter()
        .map(|command| (command.elsewhere.as_deref().unwrap_or_default(), command.words.last().unwrap().as_str()))
        .collect();
    let elsewhere =
        [("ssh", "a"), ("ssh", "b"), ("docker", "d"), ("kubectl", "e"), ("docker", "f"), ("vagrant", "g"), ("", "h")];
    assert_eq!(told, elsewhere);
}

#[test]
fn each_command_whose_output_is_used_has_a_variable_of_its_own() {
    let script = "curl a/$(date)/$(hostname)\ncurl b/`date`";
    let words = [vec!["curl", "a/${DATE_OUTPUT}/${HOSTNAME_OUTPUT}"], vec!["curl", "b/${DATE_OUTPUT}"]];
    assert_eq!(curls(script), words);
}

#[test]
fn a_prompt_that_was_copied_is_no_part_of_a_command() {
    let script = "me@host:~/a$ curl a\n[root@host ~]# curl b\nme@Mac ~ % curl c\n❯ curl d\n(venv) x@y:/# curl e";
    assert_eq!(curls(script).concat(), ["curl", "a", "curl", "b", "curl", "c", "curl", "d", "curl", "e"]);
}

#[test]
fn a_variable_that_is_set_to_nothing_is_nothing() {
    assert_eq!(curls("X=''; Y=$X; curl a/$X/b$Y"), [vec!["curl", "a//b"]]);
    let set = "X=; Z=z; for X in b $Z; do curl a/$X$Z; done\nY=\nwhile read -r Y; do curl $Y; done";
    assert_eq!(curls(set), [vec!["curl", "a/bz"], vec!["curl", "a/zz"], vec!["curl", "${Y}"]]);
}

#[test]
fn a_variable_without_quotes_is_as_many_words_as_its_value() {
    let script = "O='-s -m 5'\ncurl $O \"$O\" a$O $P";
    assert_eq!(curls(script), [vec!["curl", "-s", "-m", "5", "-s -m 5", "a-s -m 5", "${P}"]]);
}

#[test]
fn a_table_of_cron_says_when_it_runs_its_commands() {
    let table = "MAILTO=\"\"\n*/5 8-17 * * 1,3 curl a\n0 3 * * * root /usr/bin/curl b\n@hourly curl c\n1 2 3 4 curl d\n\t@curl e";
    let found = commands(table, "curl").unwrap();
    let told: Vec<_> = found.iter().map(|one| (one.schedule.as_deref(), one.words[1].as_str())).collect();
    assert_eq!(told, [(Some("*/5 8-17 * * 1,3"), "a"), (Some("0 3 * * *"), "b"), (Some("@hourly"), "c"), (None, "e")]);
}

#[test]
fn a_script_in_the_arguments_of_a_shell_is_read() {
    let script = "bash -c 'curl a'\nsudo /bin/sh -ec \"cd /x && curl b\"\neval \"curl c\"\nsh curl.sh";
    assert_eq!(curls(script).concat(), ["curl", "a", "curl", "b", "curl", "c"]);
    let found = commands("bash -c 'ssh host curl a'\nssh host \"bash -c 'curl b'\"", "curl").unwrap();
    assert!(found.iter().all(|command| command.elsewhere.as_deref() == Some("ssh")), "{found:?}");
}

#[test]
fn a_proxy_is_of_the_commands_that_see_it() {
    let script = "curl a\nall_proxy=p curl b\ncurl c\nexport HTTPS_PROXY=q\ncurl d\nHTTPS_PROXY= curl e\ncurl f\n\
                  unset HTTPS_PROXY\ncurl g";
    let found = commands(script, "curl").unwrap();
    let seen: Vec<String> = found
        .iter()
        .map(|command| {
            let set = command.environment.iter().map(|(name, value)| format!("{name}={value}"));
            format!("{} {}", command.words[1], set.collect::<String>())
        })
        .collect();
    let expected = ["a ", "b all_proxy=p", "c ", "d HTTPS_PROXY=q", "e HTTPS_PROXY=", "f HTTPS_PROXY=q", "g "];
    assert_eq!(seen, expected);
}

#[test]
fn a_here_document_reaches_its_command() {
    let found = commands("curl -d @- u <<EOF\nbody $A\nEOF\ncurl v <<< w", "curl").unwrap();
    assert_eq!(found[0].stdin.as_deref(), Some("body $A\n".replace("$A", "${A}").as_str()));
    assert_eq!(found[1].stdin.as_deref(), Some("w"));
}

#[test]
fn a_loop_over_known_words_is_its_commands_for_each() {
    let script = "for h in a b; do curl $h/x; for p in 1 2\ndo\n curl $h:$p\ndone; done\ncurl c";
    let urls: Vec<String> = curls(script).into_iter().map(|words| words[1].clone()).collect();
    assert_eq!(urls, ["a/x", "a:1", "a:2", "b/x", "b:1", "b:2", "c"]);
    let hosts = "HOSTS='a b'\nfor h in $HOSTS; do if true; then curl $h; fi; done";
    assert_eq!(curls(hosts).concat(), ["curl", "a", "curl", "b"]);
}

#[test]
fn loops_within_loops_end() {
    let words = "a ".repeat(90);
    let script = format!("{}curl x{}", format!("for h in {words}; do ").repeat(4), "; done".repeat(4));
    assert!(curls(&script).len() <= MOST_ROUNDS);
}

#[test]
fn a_loop_over_what_the_script_does_not_say_has_a_variable() {
    for words in ["$(cat hosts)", "*.example.com", "$HOSTS", "\"$@\""] {
        assert_eq!(curls(&format!("for h in {words}; do curl $h; done")), [vec!["curl", "${h}"]], "{words}");
    }
    assert_eq!(curls("for h; do curl $h; done\nfor h in a b\ncurl $h"), [vec!["curl", "${h}"], vec!["curl", "${h}"]]);
}
