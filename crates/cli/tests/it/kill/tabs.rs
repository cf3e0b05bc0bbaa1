//! A browser with pages that have a Loupe agent: tabs that are opened, reloaded, opened from each
//! other and closed, and one queue for all of them, as the agent 1.4.0 keeps it.
//!
//! What the server should make of it is known here: a tab is a session, whatever was reloaded in
//! it. Only what the protocol itself cannot tell is avoided, see [`Browser::reload`].

use std::collections::{BTreeMap, VecDeque};

use kymo_testkit::Random;
use serde_json::{Value, json};

use super::load::{Author, BEGIN_MILLIS};
use super::request::{Message, Request, Sent, date};

/// Messages of a post, as the real agent sends them.
const POST_MESSAGES: usize = 10;
const TABS_MAX: usize = 5;
/// Posts that may still be repeated.
const POSTS_KEPT: usize = 30;
/// Tabs with one agent id: fewer than the server takes apart.
const FAMILY_MAX: usize = 6;

pub(super) struct Browser {
    random: Random,
    connection: u64,
    /// The agent's clock.
    millis: i64,
    /// Of the pages' site; without it a visit is what the page says.
    cookie: Option<String>,
    tabs: Vec<Tab>,
    tabs_opened: u64,
    loads: u64,
    messages: u64,
    /// Of all tabs with that agent id, also closed ones, the last number.
    families: BTreeMap<String, BTreeMap<String, u64>>,
    queue: VecDeque<(Value, Message)>,
    /// Answered posts.
    posted: VecDeque<(String, Vec<String>)>,
}

struct Tab {
    name: String,
    agent: String,
    load: String,
    /// Its last number.
    last: u64,
}

impl Author for Browser {
    fn next(&mut self) -> Sent {
        if !self.posted.is_empty() && self.random.below(6) == 0 {
            return self.repeat();
        }
        let wanted = 1 + self.random.below(14) as usize;
        while self.queue.len() < wanted {
            self.act();
        }
        self.post()
    }

    fn last(&mut self) -> Vec<Sent> {
        let mut posts = Vec::new();
        while !self.queue.is_empty() {
            posts.push(self.post());
        }
        posts
    }
}

impl Browser {
    pub(super) fn new(connection: u64, random: Random) -> Self {
        Self {
            random,
            connection,
            millis: BEGIN_MILLIS,
            cookie: connection.is_multiple_of(2).then(|| format!("visit-{connection}")),
            tabs: Vec::new(),
            tabs_opened: 0,
            loads: 0,
            messages: 0,
            families: BTreeMap::new(),
            queue: VecDeque::new(),
            posted: VecDeque::new(),
        }
    }

    /// What the person does next.
    fn act(&mut self) {
        let at = self.random.below(self.tabs.len() as u64) as usize;
        match self.random.below(200) {
            _ if self.tabs.is_empty() => self.open(),
            0..3 if self.tabs.len() < TABS_MAX => self.open(),
            3..6 if self.tabs.len() < TABS_MAX => self.open_from(at),
            6..12 => self.reload(at),
            12..15 => drop(self.tabs.remove(at)),
            _ => self.write(at),
        }
    }

    fn open(&mut self) {
        let name = self.tab_name();
        let agent = format!("agent-{name}");
        let load = self.new_load();
        self.tabs.push(Tab { name, agent, load, last: 0 });
    }

    /// A new tab with copies of agent id and number. Both go on, and one of them first.
    fn open_from(&mut self, at: usize) {
        let last = self.tabs[at].last;
        let others = self.others_of_family(at);
        // A number that is free in a third tab would be taken for that one's.
        if others.len() + 2 > FAMILY_MAX
            || !others.iter().all(|other| *other > last || *other + (POST_MESSAGES as u64) < last)
        {
            return;
        }
        let (name, load) = (self.tab_name(), self.new_load());
        self.tabs.push(Tab { name, load, agent: self.tabs[at].agent.clone(), last });
        let mut both = [at, self.tabs.len() - 1];
        if self.random.below(2) == 0 {
            both.reverse();
        }
        for tab in both {
            self.write(tab);
        }
    }

    /// A reload that can be told from the tabs with the same agent id: its first number is either taken
    /// there, or does not follow that tab's last one - not even when that tab goes on in the same
    /// post, where messages are taken in the order of their numbers.
    fn reload(&mut self, at: usize) {
        let last = self.tabs[at].last;
        let is_told = |other: u64| other > last || other + (POST_MESSAGES as u64) < last;
        if self.others_of_family(at).into_iter().all(is_told) {
            self.tabs[at].load = self.new_load();
            self.write(at);
        }
    }

    /// Last numbers of the other tabs with this one's agent id, also of closed ones.
    fn others_of_family(&self, at: usize) -> Vec<u64> {
        let Tab { name, agent, .. } = &self.tabs[at];
        let family = self.families.get(agent).into_iter().flatten();
        family.filter(|(other, _)| *other != name).map(|(_, last)| *last).collect()
    }

    fn write(&mut self, at: usize) {
        self.millis += self.random.below(3000) as i64;
        self.messages += 1;
        let text = format!("page {} message {}", self.connection, self.messages);
        let tab = &mut self.tabs[at];
        tab.last += 1;
        self.families.entry(tab.agent.clone()).or_default().insert(tab.name.clone(), tab.last);
        let exception = (self.random.below(10) == 0).then(|| {
            json!({
                "cause": "TypeError", "message": "not a function", "url": "https://shop.example/", "line": 1,
                "column": 2, "stackTrace": ["TypeError: not a function", "    at pay (https://shop.example/app.js:6:28)"],
            })
        });
        let severity = [8, 16, 4, 2][self.random.below(4) as usize];
        let written = json!({
            "severity": severity, "category": "Shop", "caption": text,
            "description": "", "parameters": null, "exception": exception, "details": null,
            "methodSourceInfo": null, "timestamp": date(self.millis).replace('Z', "+00:00"), "sequence": tab.last,
            "agentSessionId": tab.agent, "sessionId": tab.load,
        });
        // How it is sent when the browser's storage was full.
        let is_text = self.random.below(12) == 0;
        let written = if is_text { Value::from(written.to_string()) } else { written };
        let message = Message {
            tab: tab.name.clone(),
            agent: tab.agent.clone(),
            load: tab.load.clone(),
            sequence: tab.last,
            text,
            visit: self.cookie.clone(),
        };
        self.queue.push_back((written, message));
    }

    fn post(&mut self) -> Sent {
        let count = self.queue.len().min(POST_MESSAGES);
        let (written, messages): (Vec<Value>, Vec<Message>) = self.queue.drain(..count).unzip();
        let session = json!({
            "client": {
                "description": "Chrome 156.0.0.0 on Linux 64-bit", "layout": "Blink", "name": "Chrome",
                "version": "156.0.0.0", "os": {"architecture": 64, "family": "Linux", "version": null},
                "size": {"width": 1024, "height": 640},
            },
            "currentAgentSessionId": messages[0].agent,
        });
        let body = json!({"logMessages": written, "session": session}).to_string();
        let texts: Vec<String> = messages.iter().map(|message| message.text.clone()).collect();
        self.posted.push_back((body.clone(), texts.clone()));
        if self.posted.len() > POSTS_KEPT {
            self.posted.pop_front();
        }
        Sent { ordinary: texts, messages, ..Sent::new(Request::Post { headers: self.headers(), body }) }
    }

    /// A post again, by whichever tab is at hand: it did not see the answer.
    fn repeat(&mut self) -> Sent {
        let at = self.random.below(self.posted.len() as u64) as usize;
        let (body, texts) = self.posted[at].clone();
        let request = Request::Post { body, headers: self.headers() };
        Sent { ordinary: texts, is_repeat: true, ..Sent::new(request) }
    }

    /// Those of any tab: all of them post what is in the queue.
    fn headers(&mut self) -> Vec<(&'static str, String)> {
        let mut headers = vec![("referer", "https://shop.example/".to_owned())];
        if !self.tabs.is_empty() {
            let tab = &self.tabs[self.random.below(self.tabs.len() as u64) as usize];
            headers.push(("loupe-agent-sessionid", tab.agent.clone()));
            headers.push(("loupesessionid", tab.load.clone()));
        }
        headers.extend(self.cookie.as_ref().map(|visit| ("cookie", format!("LoupeSessionId={visit}"))));
        headers
    }

    fn tab_name(&mut self) -> String {
        self.tabs_opened += 1;
        format!("{}-{:06}", self.connection, self.tabs_opened)
    }

    fn new_load(&mut self) -> String {
        self.loads += 1;
        format!("load-{}-{:06}", self.connection, self.loads)
    }
}
