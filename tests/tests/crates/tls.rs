//! TLS, by `rustls`: its blocking streams.

use std::io::{ErrorKind, Read, Write};

use rustls::crypto::ring::default_provider;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use sward::net::TcpStream;
use sward::sync::Arc;
use sward_tests::run_on;

use crate::{all_at_once, serve};

/// A server whose certificate the client knows.
fn configs() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(own.cert.der().clone()).unwrap();
    let provider = Arc::new(default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    (Arc::new(server), Arc::new(client.with_root_certificates(roots).with_no_client_auth()))
}

fn client(
    config: &Arc<ClientConfig>,
    name: &'static str,
    stream: TcpStream,
) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from(name).unwrap();
    StreamOwned::new(ClientConnection::new(config.clone(), name).unwrap(), stream)
}

fn server(config: &Arc<ServerConfig>, stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream)
}

#[test]
fn much_both_ways() {
    const MUCH: usize = 3 << 20;
    for procs in [1, 2, 4] {
        run_on(procs, || {
            let (server_config, client_config) = configs();
            let (address, thread) = serve(4, move |stream| {
                let mut stream = server(&server_config, stream);
                let mut received = vec![0; MUCH];
                stream.read_exact(&mut received).unwrap();
                received.reverse();
                stream.write_all(&received).unwrap();
                stream.conn.send_close_notify();
                stream.flush().unwrap();
            });
            all_at_once(4, |n| {
                let mut stream = client(&client_config, "localhost", TcpStream::connect(address).unwrap());
                let mut sent: Vec<_> = (0..MUCH).map(|i| (i * 31 + n) as u8).collect();
                stream.write_all(&sent).unwrap();
                let mut received = Vec::new();
                stream.read_to_end(&mut received).unwrap();
                sent.reverse();
                assert!(received == sent);
            });
            thread.join().unwrap();
        });
    }
}

/// A handshake that fails is an error on both sides.
#[test]
fn a_stranger() {
    run_on(2, || {
        let (server_config, client_config) = configs();
        let (address, thread) = serve(1, move |stream| {
            let error = server(&server_config, stream).read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
        });
        let mut stream = client(&client_config, "example.org", TcpStream::connect(address).unwrap());
        let error = stream.write_all(b"hello").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        drop(stream);
        thread.join().unwrap();
    });
}

/// A connection that breaks off is not mistaken for one that ends.
#[test]
fn a_truncated_stream() {
    run_on(2, || {
        let (server_config, client_config) = configs();
        let (address, thread) = serve(1, move |stream| {
            server(&server_config, stream).write_all(b"half of ").unwrap();
        });
        let mut stream = client(&client_config, "localhost", TcpStream::connect(address).unwrap());
        let mut received = String::new();
        assert_eq!(stream.read_to_string(&mut received).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        thread.join().unwrap();
    });
}
