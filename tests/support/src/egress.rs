//! Real proxies, as companies run them: Debian's Squid and microsocks, each with a configuration of its own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::authority::Authority;
use crate::files::Files;

/// The user of a proxy that wants one.
pub const PROXY_USER: &str = "me";

/// That user's password: every character of it means something in a URL.
pub const PROXY_PASSWORD: &str = "p@ss:word";

/// The same for a URL.
pub const PROXY_PASSWORD_ENCODED: &str = "p%40ss%3Aword";

/// `openssl passwd -1 -salt abcd 'p@ss:word'`, in the form of Apache's password files: of the user, and of one whose
/// name is an address of mail.
const PASSWORDS: &str = "me:$1$abcd$5GzrhoC52k58/Zxr9hi0o.\nme@house.test:$1$abcd$5GzrhoC52k58/Zxr9hi0o.\n";

/// A proxy that runs until this is dropped.
#[derive(Debug)]
pub struct EgressProxy {
    address: SocketAddr,
    process: Mutex<Child>,
    files: Files,
}

/// How a Squid is set up. It asks no name server: it knows the names of this machine.
#[derive(Clone, Copy, Default)]
pub struct Squid<'a> {
    /// Lines of its configuration before what is allowed.
    pub rules: &'a str,
    /// Its ports that tunnels may lead to; Squid's own rule is 443 alone.
    pub tunnel_port: Option<u16>,
    /// Whether it asks who is there.
    pub password: bool,
    /// Whose certificates it shows in place of targets'.
    pub interception: Option<&'a Authority>,
    /// Whether it listens on `::1` instead of `127.0.0.1`.
    pub ipv6: bool,
    /// Names that it knows besides this machine's: lines of an address and a name.
    pub hosts: &'a str,
}

impl Squid<'_> {
    /// Starts it.
    ///
    /// # Panics
    /// If Debian's `squid-openssl` is not installed, or does not listen in time.
    pub fn start(self) -> EgressProxy {
        let ip: IpAddr = if self.ipv6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        let (address, files) = (free(ip), Files::new());
        let config = files.write("squid.conf", &self.config(address, &files));
        let log = || {
            std::fs::File::create(files.directory().join("output"))
                .map_or_else(|_| Stdio::null(), Stdio::from)
        };
        let mut command = Command::new("/usr/sbin/squid");
        // Squids of one name share memory.
        command.args(["-N", "-n", &name_of(address.port()), "-f", &config]).stdout(log()).stderr(log());
        EgressProxy::run(command, address, files)
    }

    fn config(self, address: SocketAddr, files: &Files) -> String {
        let directory = files.directory().display();
        let listener = match self.interception {
            None => format!("http_port {address}\n"),
            Some(authority) => interception(authority, address, files),
        };
        let auth = if self.password { password(files) } else { String::new() };
        let hosts = files.write("hosts", &format!("127.0.0.1 localhost\n{}\n", self.hosts));
        let tunnel_port = self.tunnel_port.unwrap_or(443);
        let rules = self.rules;
        format!(
            "{listener}{auth}\
             acl tunnel_port port {tunnel_port}\nacl CONNECT method CONNECT\n\
             http_access deny CONNECT !tunnel_port\n{rules}\nhttp_access allow all\n\
             cache deny all\ncache_mem 1 MB\nmax_filedescriptors 1024\npinger_enable off\n\
             visible_hostname egress.test\npid_filename none\ncoredump_dir {directory}\n\
             logformat ours %>p %rm %ru\naccess_log stdio:{directory}/access.log ours\ncache_log {directory}/cache.log\n\
             logfile_rotate 0\nshutdown_lifetime 0 seconds\nconnect_timeout 5 seconds\ndns_nameservers 127.0.0.1\ndns_timeout 1 second\n\
             hosts_file {hosts}\n"
        )
    }
}

fn password(files: &Files) -> String {
    let passwords = files.write("passwords", PASSWORDS);
    format!(
        "auth_param basic program /usr/lib/squid/basic_ncsa_auth {passwords}\n\
         auth_param basic children 1 startup=1\nacl known proxy_auth REQUIRED\nhttp_access deny !known\n"
    )
}

#[expect(clippy::expect_used, reason = "a test without its proxy cannot go on")]
fn interception(authority: &Authority, address: SocketAddr, files: &Files) -> String {
    let certified = authority.certified();
    let pem = files.write("interception.pem", &format!("{}{}", certified.certificate, certified.key));
    let database = files.directory().join("certificates");
    let made = Command::new("/usr/lib/squid/security_file_certgen")
        .args(["-c", "-s", &database.display().to_string(), "-M", "4MB"])
        .output();
    assert!(made.expect("squid-openssl").status.success(), "no database of certificates");
    let database = database.display();
    let given_up = Command::new("chmod").args(["-R", "a+rwX", &database.to_string()]).status();
    assert!(given_up.expect("chmod").success(), "a database for root alone");
    format!(
        "http_port {address} ssl-bump tls-cert={pem} generate-host-certificates=on\n\
         sslcrtd_program /usr/lib/squid/security_file_certgen -s {database} -M 4MB\n\
         sslcrtd_children 1 startup=1\nssl_bump bump all\ntls_outgoing_options flags=DONT_VERIFY_PEER\n\
         sslproxy_cert_error allow all\n"
    )
}

/// Starts microsocks; with `password` it asks who is there.
///
/// # Panics
/// If Debian's `microsocks` is not installed, or does not listen in time.
pub fn start_socks(password: bool) -> EgressProxy {
    start_socks_at(Ipv4Addr::LOCALHOST.into(), password)
}

/// The same at this address.
///
/// # Panics
/// As [`start_socks`].
pub fn start_socks_at(ip: IpAddr, password: bool) -> EgressProxy {
    let address = free(ip);
    let mut command = Command::new("microsocks");
    command
        .args(["-i", &ip.to_string(), "-p", &address.port().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if password {
        command.args(["-u", PROXY_USER, "-P", PROXY_PASSWORD]);
    }
    EgressProxy::run(command, address, Files::new())
}

impl EgressProxy {
    #[expect(clippy::expect_used, reason = "a test without its proxy cannot go on")]
    fn run(mut command: Command, address: SocketAddr, files: Files) -> Self {
        let program = Path::new(command.get_program()).display().to_string();
        let process = command.spawn().unwrap_or_else(|error| panic!("{program} cannot be started: {error}"));
        let proxy = Self { address, process: Mutex::new(process), files };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(address).is_err() {
            let ended = proxy.process.lock().expect("a process").try_wait().expect("its state");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{program} does not listen: {ended:?} {} {}",
                proxy.files.read("output"),
                proxy.files.read("cache.log")
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        proxy
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `SCHEME://127.0.0.1:PORT`, or with the address that it was started at.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// The same with the proxy's user and this password, as it stands in a URL.
    pub fn url_with(&self, scheme: &str, password: &str) -> String {
        format!("{scheme}://{PROXY_USER}:{password}@{}", self.address)
    }

    /// What Squid noted about the requests so far: a line of its client's port, method and target each.
    pub fn access_log(&self) -> String {
        self.files.read("access.log")
    }

    /// Ends it at once, with all its connections.
    pub fn kill(&self) {
        if let Ok(mut process) = self.process.lock() {
            let _gone_already = process.kill();
            let _gone_already = process.wait();
        }
    }
}

impl Drop for EgressProxy {
    fn drop(&mut self) {
        self.kill();
        // What a Squid that was killed leaves behind.
        for file in std::fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
            if file.file_name().to_string_lossy().starts_with(&format!("{}-", name_of(self.port()))) {
                let _gone_already = std::fs::remove_file(file.path());
            }
        }
    }
}

/// Letters and digits only: Squid wants no others.
fn name_of(port: u16) -> String {
    format!("llmproxy{port}")
}

#[expect(clippy::expect_used, reason = "a test without a port cannot go on")]
fn free(ip: IpAddr) -> SocketAddr {
    let listener = TcpListener::bind((ip, 0)).expect("a port");
    listener.local_addr().expect("its address")
}
