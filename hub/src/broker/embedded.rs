//! The broker inside the hub's process: rmqtt as a library, with every default that matters set.
//!
//! Two listeners. Boxes come over TLS with a certificate of the hub's authority; its common name is who they are,
//! their client id must be the same name (a client id takes over the session that has it), and the database says
//! whether they may. The hub itself comes over loopback with a password made at start. Sessions live in memory:
//! after a restart boxes send again what has no receipt.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use protocol::Origin;
use protocol::limits::MAX_PACKET_BYTES;
use rmqtt::codec::v5::SubscribeAckReason;
use rmqtt::context::ServerContext;
use rmqtt::hook::{Handler, HookResult, Parameter, ReturnType, Type};
use rmqtt::net::{Builder, Listener};
use rmqtt::retain::{DefaultRetainStorage, RetainStorage};
use rmqtt::server::MqttServer;
use rmqtt::subscribe::SharedSubscription;
use rmqtt::types::{
    AuthResult, ClientId, ConnectInfo, Id, IsOnline, LastWill, NodeId, PublishAclResult, Retain, SharedGroup,
    SubscribeReturn, SubscriptionIdentifier, SubscriptionOptions, TopicFilter, TopicName,
};
use tokio::sync::watch;

use super::acl;
use crate::db::Db;
use crate::device;

/// How long a box's session and what waits for it are kept while it is away.
const SESSION: Duration = Duration::from_secs(24 * 3600);
/// Messages that may wait for one client; older ones are dropped, and come again by their sender's own timer.
const QUEUE: usize = 4096;
/// Unacknowledged messages per client; less than the intake queue holds.
const INFLIGHT: NonZeroU16 = NonZeroU16::new(512).expect("not zero");

/// How the hub itself connects.
#[derive(Clone, Debug)]
pub struct Internal {
    pub address: SocketAddr,
    pub password: String,
}

/// A broker ready to run.
pub struct Embedded {
    boxes: Listener,
    own: MqttServer,
    context: ServerContext,
    db: Db,
    listen: SocketAddr,
    tls: TlsFiles,
    pub internal: Internal,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Embedded(..)")
    }
}

/// Files of the TLS listener.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub client_ca: PathBuf,
}

impl Embedded {
    /// Binds both listeners.
    pub async fn bind(listen: SocketAddr, tls: TlsFiles, password: String, db: Db) -> anyhow::Result<Self> {
        let boxes = for_boxes(listen, &tls)?;
        let (own, address) = for_the_hub().context("MQTT for the hub itself on a loopback port")?;

        let context = ServerContext::new().busy_check_enable(false).build().await;
        *context.extends.retain_mut().await = Box::new(Retained(DefaultRetainStorage::new()));
        *context.extends.shared_subscription_mut().await = Box::new(FirstOnline);
        let hooks = context.extends.hook_mgr().register();
        let guard = Guard { db: db.clone(), internal_port: address.port(), password: password.clone() };
        for typ in [Type::ClientAuthenticate, Type::ClientSubscribeCheckAcl, Type::MessagePublishCheckAcl] {
            hooks.add(typ, Box::new(guard.clone())).await;
        }
        hooks.start().await;
        let own = MqttServer::new(context.clone()).listener_by_id(own, 1).build();
        Ok(Self { boxes, own, context, db, listen, tls, internal: Internal { address, password } })
    }

    /// Serves until dropped. After each change of `renewed` boxes that come are shown the certificate that then
    /// lies in the files; those that are there stay.
    pub async fn run(self, mut renewed: watch::Receiver<u64>) {
        let Self { boxes, own, context, db, listen, tls, .. } = self;
        let serve_boxes = async {
            let (mut listener, mut id) = (Some(boxes), 1);
            loop {
                match listener.take().map_or_else(|| for_boxes(listen, &tls), Ok) {
                    // Each listener of one context has its own number; connections live on in their own tasks.
                    Ok(next) => {
                        id += 1;
                        let server = MqttServer::new(context.clone()).listener_by_id(next, id).build();
                        tokio::select! {
                            result = server.run() => if let Err(error) = result {
                                tracing::error!(%error, "the embedded broker stopped listening; beginning again");
                            },
                            () = next_change(&mut renewed) => {}
                        }
                    }
                    Err(error) => {
                        tracing::warn!("{error:#}; trying again");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                }
            }
        };
        tokio::select! {
            () = serve_boxes => {}
            result = own.run() => if let Err(error) = result {
                tracing::error!(%error, "the embedded broker ended");
            },
            () = expel_disabled(&context, &db) => {}
        }
    }
}

async fn next_change(renewed: &mut watch::Receiver<u64>) {
    if renewed.changed().await.is_err() {
        // Nobody is left who renews.
        std::future::pending::<()>().await;
    }
}

fn for_boxes(listen: SocketAddr, tls: &TlsFiles) -> anyhow::Result<Listener> {
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    defaults("boxes", listen)
        .tls_cross_certificate(true)
        .tls_cert(Some(text(&tls.certificate)))
        .tls_key(Some(text(&tls.key)))
        .tls_client_ca_certs(Some(text(&tls.client_ca)))
        .cert_cn_as_username(true)
        .collect_cert_info(true)
        .bind()
        .and_then(Listener::tls)
        .with_context(|| format!("MQTT on {listen}; choose another address at [broker] listen"))
}

fn defaults(name: &str, address: SocketAddr) -> Builder {
    Builder::new()
        .name(name)
        .laddr(address)
        .reuseaddr(Some(true))
        .nodelay(true)
        .allow_anonymous(false)
        .max_packet_size(MAX_PACKET_BYTES as u32)
        .max_connections(20_000)
        .max_clientid_len(160)
        .max_topic_levels(8)
        .max_subscriptions(16)
        .max_inflight(INFLIGHT)
        .max_mqueue_len(QUEUE)
        .allow_zero_keepalive(false)
        .handshake_timeout(Duration::from_secs(15))
        .message_retry_interval(Duration::from_secs(30))
        .session_expiry_interval(SESSION)
        .max_session_expiry_interval(SESSION)
        .message_expiry_interval(SESSION)
}

/// A port that is free when asked may be taken when it is bound; then the next one will do.
fn for_the_hub() -> anyhow::Result<(Listener, SocketAddr)> {
    let mut tries = 0;
    loop {
        let address = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        match defaults("hub", address).bind().and_then(Listener::tcp) {
            Ok(listener) => return Ok((listener, address)),
            Err(error) if tries == 5 => return Err(error.context(address)),
            Err(_) => tries += 1,
        }
    }
}

/// Authentication and ACL.
#[derive(Clone)]
struct Guard {
    db: Db,
    internal_port: u16,
    password: String,
}

impl Guard {
    async fn authenticate(&self, connect: &ConnectInfo) -> AuthResult {
        let id = connect.id();
        if id.local_addr.is_some_and(|at| at.port() == self.internal_port) {
            let known = connect.password().is_some_and(|given| given.as_ref() == self.password.as_bytes());
            return if known { AuthResult::Allow(true, None) } else { AuthResult::BadUsernameOrPassword };
        }
        let name = connect.cert().and_then(|cert| cert.common_name.as_deref()).unwrap_or_default();
        let serial = connect.cert().and_then(|cert| cert.serial.as_deref()).unwrap_or_default();
        let Some(origin) = device::origin_of_name(name) else { return AuthResult::NotAuthorized };
        if id.client_id.as_ref() as &str != name {
            tracing::warn!(device = name, client_id = %id.client_id, "refused: the client id must be tenant/device");
            return AuthResult::NotAuthorized;
        }
        let will_is_own = match connect.last_will() {
            None => true,
            Some(LastWill::V3(will)) => acl::may_will(&origin, &will.topic),
            Some(LastWill::V5(will)) => acl::may_will(&origin, &will.topic),
        };
        if !will_is_own {
            tracing::warn!(device = name, "refused: its last will is not its own status");
            return AuthResult::NotAuthorized;
        }
        match device::store::may_connect(&self.db, &origin, serial).await {
            Ok(true) => AuthResult::Allow(false, None),
            Ok(false) => AuthResult::NotAuthorized,
            Err(error) => {
                tracing::warn!(%error, device = name, "not known whether this box may connect; it tries again");
                AuthResult::NotAuthorized
            }
        }
    }
}

/// The name was proved at connection: the broker puts the certificate's common name in place of any user name.
fn proven(id: &Id) -> Option<Origin> {
    device::origin_of_name(id.username_ref())
}

#[async_trait]
impl Handler for Guard {
    async fn hook(&self, parameter: &Parameter, _acc: Option<HookResult>) -> ReturnType {
        let result = match parameter {
            Parameter::ClientAuthenticate(connect) => {
                HookResult::AuthResult(self.authenticate(connect).await)
            }
            Parameter::ClientSubscribeCheckAcl(session, subscribe) => {
                let allowed = !subscribe.is_shared()
                    && proven(&session.id)
                        .is_some_and(|own| acl::may_subscribe(&own, &subscribe.topic_filter));
                HookResult::SubscribeAclResult(if allowed {
                    SubscribeReturn::new_success(subscribe.opts.qos(), None)
                } else {
                    tracing::warn!(device = session.id.username_ref(), filter = %subscribe.topic_filter, "refused to subscribe");
                    SubscribeReturn::new_failure(SubscribeAckReason::NotAuthorized)
                })
            }
            Parameter::MessagePublishCheckAcl(session, publish) => {
                let allowed = proven(&session.id)
                    .is_some_and(|own| acl::may_publish(&own, &publish.topic, publish.retain));
                HookResult::PublishAclResult(if allowed {
                    PublishAclResult::allow()
                } else {
                    tracing::warn!(device = session.id.username_ref(), topic = %publish.topic, "refused to publish");
                    PublishAclResult::rejected(true, None)
                })
            }
            _ => return (true, None),
        };
        (false, Some(result))
    }
}

/// Ends the connections of boxes that were disabled meanwhile, wherever that was done.
async fn expel_disabled(context: &ServerContext, db: &Db) {
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let names = match device::store::disabled_names(db).await {
            Ok(names) => names,
            Err(error) => {
                tracing::warn!(%error, "not known which boxes are disabled");
                continue;
            }
        };
        for name in names {
            let id = Id::from(context.node.id(), ClientId::from(name));
            let entry = context.extends.shared().await.entry(id);
            if !entry.exist() {
                continue;
            }
            let Ok(mut entry) = entry.try_lock().await else { continue };
            if let Err(error) = entry.kick(true, true, true).await {
                tracing::warn!(%error, "could not end a disabled box's connection");
            }
        }
    }
}

/// Retained messages, in memory: the library's own store, switched on.
struct Retained(DefaultRetainStorage);

#[async_trait]
impl RetainStorage for Retained {
    fn enable(&self) -> bool {
        true
    }

    async fn set(&self, topic: &TopicName, retain: Retain, expiry: Option<Duration>) -> rmqtt::Result<()> {
        self.0.set_with_timeout(topic, retain, expiry).await
    }

    async fn get(&self, filter: &TopicFilter) -> rmqtt::Result<Vec<(TopicName, Retain)>> {
        self.0.get_message(filter).await
    }

    async fn count(&self) -> isize {
        self.0.count().await
    }

    async fn max(&self) -> isize {
        self.0.max().await
    }
}

/// Shared subscriptions (only the hub may have them) deliver to the first member that is online. Without this they
/// are acknowledged and deliver nothing.
struct FirstOnline;

#[async_trait]
impl SharedSubscription for FirstOnline {
    fn is_supported(&self) -> bool {
        true
    }

    async fn choice(
        &self,
        _context: &ServerContext,
        _group: &SharedGroup,
        _publisher: &Id,
        _topic: &TopicName,
        members: &[(
            NodeId,
            ClientId,
            SubscriptionOptions,
            Option<Vec<SubscriptionIdentifier>>,
            Option<IsOnline>,
        )],
    ) -> Option<(usize, IsOnline)> {
        let online = members.iter().position(|member| member.4 == Some(true));
        online.map(|index| (index, true)).or_else(|| (!members.is_empty()).then_some((0, false)))
    }
}
