// What ads bring and cost: a table by ad, ad set or campaign, and a plot by day. The edge
// adds up; here nothing is.
import { $, cell, h, keyed, meter, money, number, rowsOf, show } from "./dom.js";
import { get, headed, link } from "./api.js";
import { Plot, axes, bars, cursor, fromZero } from "./plot.js";
import * as period from "./period.js";
import * as links from "./links.js";

const firstRows = 15;
const moreRows = 100;
let rows = [];      // of the API: one for each ad, ad set or campaign, and each link
let byDay = [];     // of the ad that is plotted, or of all
let chosen = null;  // the ad that is plotted: {tenant, adId}; null for all
let shown = firstRows;
let asked = 0;
let problem = "";   // why names or spend are missing
let told = () => {};

const sums = ["clicks", "contacts", "leads", "qualified", "purchases", "reported", "pending"];
const groups = {
	ad: { one: "ad", many: "ads", id: "adId", unknown: "Unknown ad", why: "the click named no ad", name: (r) => r.adName || r.headline },
	adset: { one: "ad set", many: "ad sets", id: "adsetId", unknown: "Unknown ad set", why: "no name is known of these ads", name: (r) => r.adsetName },
	campaign: { one: "campaign", many: "campaigns", id: "campaignId", unknown: "Unknown campaign", why: "no name is known of these ads", name: (r) => r.campaignName },
};
const group = () => groups[$("ads-group").value];

const value = (u, v) => (v === null ? "–" : number(v));
const plot = new Plot($("plot-ads"), () => ({
	cursor, tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "Etc/UTC"),
	scales: { x: { range: (u, min, max) => [min - 43200, max + 43200] }, y: { range: fromZero(4) } },
	axes: axes({ incrs: [1, 2, 7, 14, 28, 56, 91].map((n) => n * 86400), values: (u, s) => s.map((t) => period.shortDay(t * 1000)) }, { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 100000] }),
	series: [{ label: "Day", value: (u, s) => (s === null ? "–" : period.shortDay(s * 1000)) },
		bars("Clicks", "--click", 0.8, value), bars("Leads", "--accent", 0.5, value), bars("Purchases", "--accent2", 0.24, value)],
}));

// ask are the parameters of what is shown.
function ask() {
	const { from, to } = period.period();
	return { tenant: $("ads-tenant").value, from: period.date(from), to: period.date(to), group: $("ads-group").value };
}

export async function update() {
	const mine = ++asked;
	const params = ask();
	period.draw();
	$("ads-csv").href = link("ads", { ...params, format: "csv" });
	try {
		const [got, days] = await Promise.all([headed("ads", params, "Leadgate-Ads"),
			get("ads", { ...params, group: "day", ...(chosen ? { tenant: chosen.tenant, ad: chosen.adId } : {}) })]);
		if (mine !== asked) return;
		[rows, byDay, problem] = [got.body, days, got.header];
		draw();
	} catch (err) {
		if (mine !== asked) return;
		for (const id of ["ads-table", "ads-figure", "ads-words", "ads-filter", "ads-csv", "links", "nav-links"]) $(id).hidden = true;
		show($("ads-sum"), "");
		show($("ads-more"), "");
		show($("ads-empty"), `The figures per ad cannot be read: ${err.message}`);
	}
}

function draw() {
	const list = rows.filter((r) => r.link === null || r.link === undefined);
	const { one, many, id, name } = group();
	const sum = (f) => list.reduce((n, r) => n + (r[f] || 0), 0);
	list.sort((a, b) => b.leads - a.leads || b.clicks - a.clicks || b.impressions - a.impressions || (a[id] || "").localeCompare(b[id] || ""));
	const most = Math.max(1, ...list.map((r) => r.clicks));
	const words = $("ads-filter").value.toLowerCase().split(/\s+/).filter(Boolean);
	const found = list.filter((r) => words.every((w) => `${name(r) || ""} ${r.headline || ""} ${r.adsetName || ""} ${r.campaignName || ""} ${r[id] || ""}`.toLowerCase().includes(w)));
	$("ads-column").textContent = one[0].toUpperCase() + one.slice(1);
	rowsOf("ads", found.map((r) => ({ ...r, most, group: $("ads-group").value, on: isChosen(r) })), (r) => `${r.group}\n${r.tenant}\n${r[id] || ""}`, row, shown);
	$("ads").classList.toggle("free", !list.some((r) => Object.keys(r.spend || {}).length));
	$("ads-table").hidden = !found.length;
	$("ads-figure").hidden = $("ads-words").hidden = $("ads-csv").hidden = !list.length;
	$("ads-filter").hidden = list.length <= firstRows && !words.length;
	show($("ads-empty"), found.length ? "" : list.length ? `No ${one} fits the filter.` : `No ad click in ${period.named()}. The first message that an ad brings carries a referral, and counts here. If ads run and nothing shows, caddy leadgate doctor says what is missing; other days are chosen above.`);
	show($("ads-sum"), list.length ? `${number(list.length)} ${list.length === 1 ? one : many}` : "");
	told({ days: period.short(), ads: list.length, problem, ...Object.fromEntries(sums.map((f) => [f, sum(f)])) });
	const plotted = chosen && list.find(isChosen);
	const anyLink = rows.length > list.length;
	show($("ads-plotted"), plotted ? name(plotted) || plotted.adId : chosen ? chosen.adId : anyLink ? "All ads and links" : "All ads");
	if (list.length) plotDays();
	links.draw(rows, period.named());
}

const isChosen = (r) => chosen !== null && r.adId === chosen.adId && r.tenant === chosen.tenant;

function plotDays() {
	const { from, to } = period.period();
	const x = Array.from({ length: Math.round((to - from) / period.dayMs) + 1 }, (_, i) => (from + i * period.dayMs) / 1000);
	const y = { clicks: x.map(() => 0), leads: x.map(() => 0), purchases: x.map(() => 0) };
	for (const r of byDay) {
		const i = Math.round((Date.parse(r.day) - from) / period.dayMs);
		if (i < 0 || i >= x.length) continue;
		for (const f of Object.keys(y)) y[f][i] += r[f];
	}
	plot.set([x, y.clicks, y.leads, y.purchases]);
}

const small = (text) => (text ? h("div", { class: "muted small share" }, text) : null);

function row(r) {
	const { id, unknown, why, name } = groups[r.group];
	// Leads of clicks before the first day would make it more than all.
	const share = r.leads && r.leads <= r.clicks ? `${Math.round((100 * r.leads) / r.clicks)} % of clicks` : "";
	const called = name(r) || (r[id] ? "(no name is known)" : unknown);
	const above = [r.group !== "campaign" && r.campaignName, r.group === "ad" && r.adsetName].filter(Boolean).join(" · ");
	const said = r.group === "ad" && r.headline && r.headline !== called ? `“${r.headline}”` : "";
	const each = money(r.costPerPurchase).map((m) => small(`${m} each`));
	if (each.length && Object.keys(r.value || {}).length > 1) each.push(small("in its currency"));
	return h("tr", { class: r.on ? "on" : null },
		cell("Ad", "wide", r.group === "ad" && r.adId
			? h("button", { type: "button", class: "link ad-name clip", "data-focus": "ad", "aria-pressed": String(r.on), title: "Plot this ad", onclick: () => choose(r.on ? null : r) }, called)
			: h("b", { class: "ad-name clip" }, called),
		above ? h("div", { class: "muted small any clip" }, above) : null, said ? h("div", { class: "muted small any clip" }, said) : null,
		h("div", { class: "muted small mono any" }, r[id] || why)),
		cell("Tenant", "any tenant", r.tenant),
		cell("Spend", "num cost", ...lines(r.spend), small(r.impressions ? `${number(r.impressions)} views` : "")),
		cell("Clicks", "num", number(r.clicks), meter(r.clicks / r.most), small(r.contacts !== r.clicks ? `${number(r.contacts)} new contacts` : "")),
		cell("Leads", "num", h("b", {}, number(r.leads)), small(share), small(r.qualified ? `${number(r.qualified)} qualified` : "")),
		cell("Cost per lead", "num cost", ...lines(r.costPerLead)),
		cell("Purchases", "num", r.purchases ? number(r.purchases) : "–", ...each),
		cell("Value", "num", ...lines(r.value)),
		cell("ROAS", "num cost", ...lines(r.roas, ratios)),
		cell("Reported", "num", number(r.reported), r.pending ? h("div", { class: "small share late" }, h("b", {}, number(r.pending)), r.pending === 1 ? " waits" : " wait") : null));
}

const twoDecimals = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const ratios = (roas) => Object.entries(roas || {}).sort().map(([currency, v], i, all) => twoDecimals.format(v) + (all.length > 1 ? ` in ${currency}` : ""));

function lines(amounts, write = money) {
	const list = write(amounts);
	return list.length ? list.map((m) => h("div", {}, m)) : ["–"];
}

function choose(r) {
	chosen = r && { tenant: r.tenant, adId: r.adId };
	update();
}

// tenants offers the tenants to choose from.
export function tenants(names) {
	const box = $("ads-tenant");
	const options = [["", "All tenants"], ...names.map((n) => [n, n])];
	keyed(box, options, (o) => o[0], ([v, text]) => h("option", { value: v }, text));
	box.hidden = names.length < 2;
	for (const id of ["ads-table", "links-table"]) $(id).classList.toggle("alone", names.length < 2);
}

export function start(tell) {
	told = tell;
	const anew = () => {
		shown = firstRows;
		links.fold();
		update();
	};
	period.start(anew);
	links.start();
	for (const id of ["ads-tenant", "ads-group"]) $(id).addEventListener("change", () => { chosen = null; anew(); });
	$("ads-filter").addEventListener("input", () => { shown = firstRows; draw(); });
	$("ads-more").addEventListener("click", () => { shown += moreRows; draw(); });
}
