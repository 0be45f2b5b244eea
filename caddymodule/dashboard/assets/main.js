// Asks the edge every few seconds, while somebody looks.
import { $, age, h, keyed, ms, number, show, time } from "./dom.js";
import { get } from "./api.js";
import { repaint } from "./plot.js";
import * as traffic from "./traffic.js";
import * as destinations from "./destinations.js";
import * as ads from "./ads.js";
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
		await Promise.all([traffic.update(), events.update()]);
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
	ads.tenants(last.tenants);
	tiles();
	trouble(last.problem);
	show($("version"), `Leadgate ${last.version}`);
	show($("user"), last.user ? `signed in as ${last.user}` : "");
}

// trouble says what somebody should look at, the most pressing first.
function trouble(problem) {
	const list = problem ? [{ key: "problem", cls: "bad", title: "Something is missing here", text: problem }] : [];
	if (last && last.window.unavailable > 0 && !problem) {
		list.push({ key: "503", cls: "warn", title: `${number(last.window.unavailable)} webhooks were answered 503 since ${time(last.window.from, true)}`, text: "The queue could not take them. Providers send them again, and what was queued is not queued twice." });
	}
	const parked = destinations.attention();
	for (const d of parked.slice(0, 6)) {
		const title = { parked: `${d.name} is parked`, open: `${d.name} takes nothing`, paused: `${d.name} is paused` }[d.state];
		const waits = `${number(d.backlog)} ${d.backlog === 1 ? "event waits" : "events wait"}${d.oldestAgeSeconds ? `, the oldest for ${age(d.oldestAgeSeconds)}` : ""}; nothing is lost.`;
		list.push({ key: d.name, cls: d.state === "paused" ? "calm" : "bad", title, text: d.reason, waits });
	}
	if (parked.length > 6) list.push({ key: "more", cls: "bad", title: `and ${parked.length - 6} more destinations`, text: "The list of destinations begins with them." });
	keyed($("notices"), list, (n) => n.key, (n) => h("div", { class: `notice ${n.cls}` }, h("b", {}, n.title), n.text ? h("span", {}, n.text) : null, n.waits ? h("span", { class: "muted" }, n.waits) : null));
	document.title = parked.length ? `(${parked.length}) Leadgate` : "Leadgate";
}

function tiles() {
	const w = last.window;
	const full = last.now - w.from > 3500000;
	const span = !w.from ? "" : full ? "last hour" : `since ${time(w.from, true)}`;
	const sum = (f) => last.destinations.reduce((n, d) => n + d[f], 0);
	const oldest = Math.max(0, ...last.destinations.filter((d) => d.state !== "removed").map((d) => d.oldestAgeSeconds));
	const refusals = [w.refused ? `${number(w.refused)} refused` : "", w.unavailable ? `${number(w.unavailable)} answered 503` : ""].filter(Boolean).join(", ");
	const list = [
		{ title: "Webhooks", span, value: number(w.accepted + w.refused + w.unavailable), text: refusals || "all accepted", bad: w.unavailable > 0 },
		{ title: "Answered in", span, value: ms(w.ackP50), text: w.ackP99 === null ? "median" : `median; 99 % in ${ms(w.ackP99)}` },
		{ title: "Delivered", span, value: number(w.delivered), text: w.failed ? `${number(w.failed)} failed attempts` : "no failed attempt", bad: w.failed > w.delivered },
		{ title: "Waiting", span: "now", value: number(sum("backlog")), text: oldest ? `the oldest for ${age(oldest)}` : "nothing waits" },
		{ title: "Dead letters", span: "now", value: number(sum("dead")), text: sum("dead") ? "each with its reason" : "none", bad: sum("dead") > 0, href: "#dead" },
	];
	if (figures && figures.ads) list.push({ title: "Leads from ads", span: `${figures.days} days`, value: number(figures.leads), text: `${number(figures.clicks)} clicks, ${number(figures.purchases)} purchases`, href: "#ads" });
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
ads.start((f) => { figures = f; if (last) tiles(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
refresh();
