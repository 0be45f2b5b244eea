// Clicks, leads and purchases per ad: a table and a plot by day. And of the same days the
// clicks and chats per link.
import { $, cell, choice, h, keyed, number, show } from "./dom.js";
import { get } from "./api.js";
import { Plot, axes, bars, cursor, fromZero } from "./plot.js";

const dayMs = 86400000;
const firstRows = 15;
let days = 28;
let rows = [];   // of the API: one for each ad, or link, and day
let chosen = ""; // the key of the ad that is plotted, "" for all
let all = false, allLinks = false;
let asked = 0;
let told = () => {};

const date = (t) => new Date(t).toISOString().slice(0, 10);
const shortDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const sums = ["clicks", "contacts", "leads", "qualified", "purchases", "reported", "pending"];
const keyOf = (r) => `${r.tenant}\n${r.adId || ""}`;

// range is what is asked for: whole days, today included.
function range() {
	const today = Math.floor(Date.now() / dayMs) * dayMs;
	return { from: today - (days - 1) * dayMs, to: today };
}

const value = (u, v) => (v === null ? "–" : number(v));
const plot = new Plot($("plot-ads"), () => ({
	cursor, tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "Etc/UTC"),
	scales: { x: { range: (u, min, max) => [min - 43200, max + 43200] }, y: { range: fromZero(4) } },
	axes: axes({ incrs: [86400, 2 * 86400, 7 * 86400, 14 * 86400, 28 * 86400], values: (u, s) => s.map((t) => shortDate.format(t * 1000)) }, { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 100000] }),
	series: [{ label: "Day", value: (u, s) => (s === null ? "–" : shortDate.format(s * 1000)) },
		bars("Clicks", "--click", 0.8, value), bars("Leads", "--accent", 0.5, value), bars("Purchases", "--accent2", 0.24, value)],
}));

export async function update() {
	const mine = ++asked;
	const { from, to } = range();
	try {
		const got = await get("ads", { tenant: $("ads-tenant").value, from: date(from), to: date(to) });
		if (mine !== asked) return;
		rows = got;
		draw();
	} catch (err) {
		if (mine !== asked) return;
		$("ads-table").hidden = $("ads-figure").hidden = $("ads-words").hidden = $("links").hidden = $("nav-links").hidden = true;
		show($("ads-sum"), "");
		show($("ads-empty"), `The figures per ad cannot be read: ${err.message}`);
	}
}

function draw() {
	const ads = new Map();
	for (const r of rows) {
		if (r.link) continue;
		const key = keyOf(r);
		let ad = ads.get(key);
		if (!ad) ads.set(key, ad = { key, tenant: r.tenant, adId: r.adId || "", headline: "", latest: "", value: {}, ...Object.fromEntries(sums.map((f) => [f, 0])) });
		for (const f of sums) ad[f] += r[f];
		for (const [currency, v] of Object.entries(r.value || {})) ad.value[currency] = (ad.value[currency] || 0) + Number(v);
		if (r.headline && r.day >= ad.latest) [ad.headline, ad.latest] = [r.headline, r.day];
	}
	if (!ads.has(chosen)) chosen = "";
	const list = [...ads.values()].sort((a, b) => b.leads - a.leads || b.clicks - a.clicks || a.adId.localeCompare(b.adId));
	const most = Math.max(1, ...list.map((a) => a.clicks));
	const visible = all ? list : list.slice(0, firstRows);
	keyed($("ads-rows"), visible.map((a) => ({ ...a, most, on: a.key === chosen })), (a) => a.key, row);
	$("ads-table").hidden = $("ads-figure").hidden = !list.length;
	show($("ads-empty"), list.length ? "" : `No ad click in the last ${days} days. The first message that an ad brings carries a referral, and counts here. If ads run and nothing shows, caddy leadgate doctor says what is missing; a longer time is chosen above.`);
	show($("ads-more"), list.length > visible.length ? `Show all ${number(list.length)}` : "");
	const sum = (f) => list.reduce((n, a) => n + a[f], 0);
	const n = list.length;
	show($("ads-sum"), n ? `${number(n)} ${n === 1 ? "ad" : "ads"}` : "");
	told({ days, ads: n, ...Object.fromEntries(sums.map((f) => [f, sum(f)])) });
	$("ads-words").hidden = !list.length;
	const ad = ads.get(chosen);
	show($("ads-plotted"), ad ? ad.headline || ad.adId : "All ads");
	if (list.length) plotDays();
	drawLinks();
}

// drawLinks shows of each link its visits, and the chats that its codes began.
function drawLinks() {
	const links = new Map();
	for (const r of rows) {
		if (!r.link) continue;
		const key = `${r.tenant}\n${r.link}`;
		const l = links.get(key) || { key, tenant: r.tenant, link: r.link, visits: 0, chats: 0 };
		l.visits += r.visits;
		l.chats += r.clicks;
		links.set(key, l);
	}
	const list = [...links.values()].sort((a, b) => b.chats - a.chats || b.visits - a.visits || a.key.localeCompare(b.key));
	const most = Math.max(1, ...list.map((l) => l.visits));
	const visible = allLinks ? list : list.slice(0, firstRows);
	$("links").hidden = $("nav-links").hidden = !list.length;
	show($("links-sum"), `${number(list.length)} ${list.length === 1 ? "link" : "links"}, of the same ${days} days as above`);
	keyed($("links-rows"), visible.map((l) => ({ ...l, most })), (l) => l.key, linkRow);
	show($("links-more"), list.length > visible.length ? `Show all ${number(list.length)}` : "");
}

function linkRow(l) {
	// Chats of visits before the first day, or of codes that were passed on, would make it more than all.
	const rate = l.visits && l.chats <= l.visits ? `${Math.round((100 * l.chats) / l.visits)} %` : "–";
	const meter = h("i", { class: "meter" }, h("i", {}));
	meter.firstChild.style.width = `${(100 * l.visits) / l.most}%`;
	return h("tr", {}, cell("Link", "wide", h("b", { class: "any" }, l.link)), cell("Tenant", "any", l.tenant),
		cell("Clicks", "num", number(l.visits), meter), cell("Chats", "num", h("b", {}, number(l.chats))), cell("Rate", "num", rate));
}

function plotDays() {
	const { from } = range();
	const x = Array.from({ length: days }, (_, i) => (from + i * dayMs) / 1000);
	const y = { clicks: x.map(() => 0), leads: x.map(() => 0), purchases: x.map(() => 0) };
	for (const r of rows) {
		const i = Math.round((Date.parse(r.day) - from) / dayMs);
		if (r.link || (chosen && keyOf(r) !== chosen) || i < 0 || i >= days) continue;
		for (const f of Object.keys(y)) y[f][i] += r[f];
	}
	plot.set([x, y.clicks, y.leads, y.purchases]);
}

function money(value) {
	const parts = Object.entries(value).sort().map(([currency, v]) => {
		try { return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(v); } catch { return `${number(v)} ${currency}`; }
	});
	return parts.length ? parts.map((p) => h("div", {}, p)) : "–";
}

function row(a) {
	// Leads of clicks before the first day would make it more than all.
	const share = a.leads && a.leads <= a.clicks ? `${Math.round((100 * a.leads) / a.clicks)} % of clicks` : "";
	const meter = h("i", { class: "meter" }, h("i", {}));
	meter.firstChild.style.width = `${(100 * a.clicks) / a.most}%`;
	return h("tr", { class: a.on ? "on" : null },
		cell("Ad", "wide", h("button", { type: "button", class: "link ad-name clip", "data-focus": "ad", "aria-pressed": String(a.on), title: "Plot this ad", onclick: () => { chosen = a.on ? "" : a.key; draw(); } }, a.headline || (a.adId ? "(no headline)" : "Unknown ad")),
			h("div", { class: "muted small mono any" }, a.adId || "the click named no ad")),
		cell("Tenant", "any", a.tenant),
		cell("Clicks", "num", number(a.clicks), meter),
		cell("Contacts", "num", number(a.contacts)),
		cell("Leads", "num", h("b", {}, number(a.leads)), share ? h("div", { class: "muted small share" }, share) : null),
		cell("Qualified", "num", a.qualified ? number(a.qualified) : "–"),
		cell("Purchases", "num", a.purchases ? number(a.purchases) : "–"),
		cell("Value", "num", money(a.value)),
		cell("Reported", "num", number(a.reported)),
		cell("Pending", "num", a.pending ? h("b", { class: "late" }, number(a.pending)) : "–"));
}

// tenants offers the tenants to choose from.
export function tenants(names) {
	const box = $("ads-tenant");
	const options = [["", "All tenants"], ...names.map((n) => [n, n])];
	keyed(box, options, (o) => o[0], ([v, text]) => h("option", { value: v }, text));
	box.hidden = names.length < 2;
}

export function start(tell) {
	told = tell;
	choice($("ads-range"), (n) => { days = Number(n); all = allLinks = false; update(); });
	$("ads-tenant").addEventListener("change", () => { chosen = ""; update(); });
	$("ads-more").addEventListener("click", () => { all = true; draw(); });
	$("links-more").addEventListener("click", () => { allLinks = true; draw(); });
}
