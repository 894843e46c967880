//! The command that repeats a failed check sends what the check sent.

use uptick::model::{Auth, Body, FileBody, FormPart, Outcome, Protocol, Value};

use crate::support::{probes, server};

async fn command(scheme: &str, protocol: Protocol, auth: Auth) -> String {
    let mut probe = probes::get(&format!("{scheme}://127.0.0.1:{}/x", server::refusing_port()));
    probe.steps[0].request.protocol = protocol;
    probe.steps[0].request.auth = Some(auth);
    shown(&probes::check(probe).await.0)
}

fn shown(outcome: &Outcome) -> String {
    outcome.evidence.as_ref().and_then(|evidence| evidence.curl.as_ref()).expect("a command").to_string()
}

#[tokio::test]
async fn the_credentials_are_in_it_whatever_the_tool() {
    let secret = |name| Value::secret(name, "very-secret-value");
    for (scheme, protocol) in [("http", Protocol::Http), ("ws", Protocol::WebSocket), ("grpc", Protocol::Grpc)] {
        let bearer = command(scheme, protocol, Auth::Bearer(secret("TOKEN"))).await;
        assert!(bearer.contains("-H 'authorization: Bearer '\"$TOKEN\""), "{bearer}");
        let basic = Auth::Basic { user: Value::plain("probe"), password: secret("PASSWORD") };
        let basic = command(scheme, protocol, basic).await;
        let expected = match protocol {
            Protocol::Http => "-u probe:\"$PASSWORD\"",
            _ => "-H \"authorization: Basic $(printf %s probe:\"$PASSWORD\" | base64 | tr -d '\\n')\"",
        };
        assert!(basic.contains(expected), "{basic}");
        assert!(!bearer.contains("very-secret") && !basic.contains("very-secret"));
    }
}

#[tokio::test]
async fn a_file_of_a_form_has_the_content_type_that_is_configured() {
    let mut probe = probes::get(&format!("http://127.0.0.1:{}/x", server::refusing_port()));
    let file =
        FileBody { path: "a.bin".into(), bytes: b"a".to_vec().into(), content_type: Some("text/csv".to_owned()) };
    probe.steps[0].request.body = Body::Multipart(vec![("upload".to_owned(), FormPart::File(file))]);
    let command = shown(&probes::check(probe).await.0);
    assert!(command.contains("-F 'upload=@a.bin;type=text/csv'"), "{command}");
}
