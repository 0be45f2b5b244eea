// Asks the edge every few seconds, while somebody looks.
import { $, age, h, keyed, ms, number, ofTenant, show, time } from "./dom.js";
import { get } from "./api.js";
import { repaint } from "./plot.js";
import * as traffic from "./traffic.js";
import * as destinations from "./destinations.js";
import * as ads from "./ads.js";
import * as period from "./period.js";
import * as contact from "./contact.js";
import * as dead from "./dead.js";
import * as events from "./events.js";

const every = 5000;
const adsEvery = 12; // rounds: these figures are sums over days
let round = 0;
let last = null;     // the newest overview
let figures = null;  // of the ads
let answered = 0;    // when, ms
let timer = 0;
let busy = false;

async function refresh() {
	if (busy) return;
	busy = true;
	clearTimeout(timer);
	try {
		const got = await get("overview");
		last = got;
		answered = Date.now();
		overview();
		if (round++ % adsEvery === 0) ads.update();
		await Promise.all([ofTenant ? null : traffic.update(), events.update()]);
		live("ok", `live · ${time(answered)}`);
	} catch (err) {
		live("bad", answered ? `no answer since ${time(answered)}` : "no answer");
		trouble(err.status ? err.message : "the edge does not answer; this page asks again every few seconds");
	} finally {
		busy = false;
		if (!document.hidden) timer = setTimeout(refresh, every);
	}
}

function live(cls, text) {
	$("live").className = `live ${cls}`;
	$("live").lastElementChild.textContent = text;
}

function overview() {
	destinations.update(last.destinations);
	dead.update(last.destinations);
	period.today(last.today);
	ads.tenants(last.tenants);
	contact.tenants(last.tenants);
	tiles();
	trouble(last.problem);
	show($("version"), `Leadgate ${last.version}`);
	show($("user"), last.user ? `signed in as ${last.user}` : "");
}

const storeAlerts = {
	evicting: "The queue throws things away",
	emptied: "The queue was emptied",
	unreplicated: "A failover of the queue would lose events",
	gone: "The queue's files are gone",
};

// trouble says what somebody should look at: what waits for a person first. Equal
// ones are one, and what is folded says how many it holds.
function trouble(problem) {
	const list = problem ? [{ key: "problem", rank: 0, cls: "bad", title: "Something is missing here", text: problem }] : [];
	for (const alert of last?.alerts || []) {
		list.push({ key: `alert ${alert.reason}`, rank: 0, cls: "bad", title: storeAlerts[alert.reason] || "The queue has lost something", text: `${alert.text}.` });
	}
	if (last?.window?.unavailable > 0 && !problem) {
		list.push({ key: "503", rank: 2, cls: "warn", title: `${number(last.window.unavailable)} webhooks were answered 503 since ${time(last.window.from, true)}`, text: "The queue could not take them. Providers send them again, and what was queued is not queued twice." });
	}
	const troubled = destinations.attention();
	for (const group of grouped(troubled)) list.push(notice(group));
	if (last?.window && !last.window.accepted && !last.destinations.some((d) => d.delivered || d.backlog || d.dead) && !events.any() && !problem) list.push(firstSteps());
	for (const r of last?.reads || []) list.push(reading(`forms ${r.tenant}`, `Forms of ${r.tenant} are not all read for leads that webhooks missed`, r.problem));
	if (figures?.problem) list.push(reading("ads", "Names and spend of ads are not up to date", figures.problem));
	const words = last ? last.words : [];
	if (words.length) {
		const named = words.slice(0, 6).map((w) => `${w.provider}: ${w.place} ${w.word} (${number(w.webhooks)})`).join(", ");
		list.push({ key: "words", rank: 5, cls: "calm", title: `${number(words.length)} ${words.length === 1 ? "word" : "words"} in webhooks that this version does not know`, text: `${named}${words.length > 6 ? ", …" : ""}. Nothing is lost, the events' raw has them; a newer version may know them.` });
	}
	list.sort((a, b) => a.rank - b.rank || (b.names?.length || 1) - (a.names?.length || 1));
	const shown = list.length > mostNotices + 1 ? list.slice(0, mostNotices) : list;
	const folded = list.slice(shown.length);
	keyed($("notices"), shown, (n) => n.key, drawNotice);
	keyed($("notices-folded"), folded, (n) => n.key, drawNotice);
	$("notices-more").hidden = !folded.length;
	show($("notices-count"), folded.length ? `${number(folded.length)} more that need a look` : "");
	document.title = troubled.length ? `(${troubled.length}) Leadgate` : "Leadgate";
}

// reading is what is said of what Meta is asked for now and then. To wait for a limit of Meta's is
// nothing that anybody is to mend.
function reading(key, title, problem) {
	const waits = problem.split("; ").every((p) => /: waits until \S+$/.test(p));
	const text = problem.replace(/waits until (\S+Z)/g, (all, at) => `waits for Meta until ${time(Date.parse(at))}`);
	return { key, rank: 4, cls: waits ? "calm" : "warn", title, text: `${text}. All else goes on.` };
}

const mostNotices = 6;
const ranks = { parked: 1, open: 3, paused: 4 };
const told = { parked: "parked", open: "failing", paused: "paused" };

// grouped gathers destinations that are in the same state for the same reason.
function grouped(list) {
	const groups = new Map();
	for (const d of list) {
		const key = `${d.state}\n${(d.reason || "").replace(/; it waits until \S+$/, "")}`;
		groups.set(key, [...(groups.get(key) || []), d]);
	}
	return [...groups.values()];
}

function notice(group) {
	const [d] = group;
	const backlog = group.reduce((n, d) => n + d.backlog, 0);
	const oldest = Math.max(...group.map((d) => d.oldestAgeSeconds));
	const waits = backlog ? `${number(backlog)} ${backlog === 1 ? "event waits" : "events wait"}${oldest ? `, the oldest for ${age(oldest)}` : ""}; nothing is lost.` : "Nothing waits.";
	const alone = { parked: `${d.name} is parked`, open: `${d.name} is failing`, paused: `${d.name} is paused` }[d.state];
	return {
		key: `${d.state} ${d.reason} ${d.name}`, rank: ranks[d.state], cls: d.state === "paused" ? "calm" : "bad",
		title: group.length === 1 ? alone : `${number(group.length)} destinations are ${told[d.state]}`,
		text: d.reason, waits, names: group.length === 1 ? [] : group.map((d) => d.name).sort(),
	};
}

// firstSteps is what to do where nothing has come yet.
const firstSteps = () => ({
	key: "first", rank: 5, cls: "calm", title: "No webhook has come yet",
	text: last.destinations.length ? "What to do next:" : "The configuration has no destination. What to do next:",
	steps: [
		...(last.destinations.length ? [] : [["Write a tenant with a forward into the leadgate block, and reload."]]),
		["Enter this site’s address with the path of the leadgate block as the webhook’s callback URL, in the provider’s dashboard."],
		["Or send a sample from a shell:", "caddy leadgate send --to <that URL> --provider meta --secret <app secret> --sample click"],
		["If nothing arrives, this says what is in the way:", "caddy leadgate doctor --config <Caddyfile>"],
	],
});

function drawNotice(n) {
	return h("div", { class: `notice ${n.cls}` }, h("b", { class: "any" }, n.title), n.text ? h("span", { class: "any" }, n.text) : null, n.waits ? h("span", {}, n.waits) : null,
		n.names && n.names.length ? h("details", { class: "names" }, h("summary", {}, `Which: ${n.names.slice(0, 3).join(", ")}${n.names.length > 3 ? ` and ${number(n.names.length - 3)} more` : ""}`), h("ul", {}, n.names.map((name) => h("li", { class: "any" }, name)))) : null,
		n.steps ? h("ol", {}, n.steps.map(([text, command]) => h("li", {}, text, command ? h("code", { class: "command", tabindex: "0" }, command) : null))) : null);
}

// traffics are the tiles of what came and went. A tenant's page knows no more of that than
// its destinations tell.
function traffics(w, sum) {
	if (!w) return [{ title: "Delivered", span: "since the edge began", value: number(sum("delivered")), text: "events" }];
	const full = last.now - w.from > 3500000;
	const span = !w.from ? "" : full ? "last hour" : `since ${time(w.from, true)}`;
	const refusals = [w.refused ? `${number(w.refused)} refused` : "", w.unavailable ? `${number(w.unavailable)} answered 503` : ""].filter(Boolean).join(", ");
	return [
		{ title: "Webhooks", span, value: number(w.accepted + w.refused + w.unavailable), text: refusals || "all accepted", bad: w.unavailable > 0 },
		{ title: "Answered in", span, value: ms(w.ackP50), text: w.ackP99 === null ? "median" : `median; 99 % in ${ms(w.ackP99)}` },
		{ title: "Delivered", span, value: number(w.delivered), text: w.failed ? `${number(w.failed)} failed attempts` : "no failed attempt", bad: w.failed > w.delivered },
	];
}

function tiles() {
	const sum = (f) => last.destinations.reduce((n, d) => n + d[f], 0);
	const oldest = Math.max(0, ...last.destinations.filter((d) => d.state !== "removed").map((d) => d.oldestAgeSeconds));
	const list = [
		...traffics(last.window, sum),
		{ title: "Waiting", span: "now", value: number(sum("backlog")), text: oldest ? `the oldest for ${age(oldest)}` : "nothing waits" },
		{ title: "Dead letters", span: "now", value: number(sum("dead")), text: sum("dead") ? "each with its reason" : "none", bad: sum("dead") > 0, href: "#dead" },
	];
	if (figures && figures.ads) list.push({ title: "Leads from ads", span: figures.days, value: number(figures.leads), text: `of ${number(figures.clicks)} clicks; Meta has ${number(figures.reported)} events${figures.pending ? `, ${number(figures.pending)} wait` : ""}`, href: "#ads" });
	keyed($("tiles"), list, (t) => t.title, (t) => h(t.href ? "a" : "div", { class: t.bad ? "tile bad" : "tile", href: t.href },
		h("div", { class: "t" }, t.title, h("span", { class: "muted" }, t.span)), h("div", { class: "v" }, t.value), h("div", { class: "muted small" }, t.text)));
}

// The theme follows the system until somebody chooses.
function theme() {
	const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
	const draw = () => { $("theme").textContent = dark() ? "☀" : "☾"; repaint(); };
	$("theme").addEventListener("click", () => {
		const chosen = dark() ? "light" : "dark";
		document.documentElement.dataset.theme = chosen;
		try { localStorage.setItem("leadgate-theme", chosen); } catch { /* storage is off: it holds for this visit */ }
		draw();
	});
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
	draw();
}

theme();
traffic.start();
destinations.start(refresh);
dead.start(refresh);
events.start();
contact.start();
ads.start((f) => {
	figures = f;
	if (!last) return;
	tiles();
	trouble(last.problem);
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
refresh();
