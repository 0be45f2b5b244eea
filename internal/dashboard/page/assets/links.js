// Of the days of the ads, the visits of each link, and what came of the chats that its codes began.
import { $, cell, h, meter, number, rowsOf, show } from "./dom.js";

const firstRows = 15;
let shown = firstRows;
let again = () => {};

export function draw(rows, days) {
	const list = rows.filter((r) => r.link !== null && r.link !== undefined)
		.sort((a, b) => b.clicks - a.clicks || b.visits - a.visits || a.tenant.localeCompare(b.tenant) || a.link.localeCompare(b.link));
	const most = Math.max(1, ...list.map((l) => l.visits));
	$("links").hidden = $("nav-links").hidden = !list.length;
	show($("links-sum"), `${number(list.length)} ${list.length === 1 ? "link" : "links"}, of ${days}`);
	rowsOf("links", list.map((l) => ({ ...l, most })), (l) => `${l.tenant}\n${l.link}`, row, shown);
	again = () => draw(rows, days);
}

function row(l) {
	// Chats of visits before the first day, or of codes that were passed on, would make it more than all.
	const rate = l.visits && l.clicks <= l.visits ? `${Math.round((100 * l.clicks) / l.visits)} %` : "–";
	return h("tr", {}, cell("Link", "wide", h("b", { class: "any" }, l.link)), cell("Tenant", "any tenant", l.tenant),
		cell("Clicks", "num", number(l.visits), meter(l.visits / l.most)), cell("Chats", "num", h("b", {}, number(l.clicks))), cell("Rate", "num", rate),
		cell("Leads", "num", l.leads ? number(l.leads) : "–"), cell("Purchases", "num", l.purchases ? number(l.purchases) : "–"));
}

export function fold() { shown = firstRows; }

export function start() {
	$("links-more").addEventListener("click", () => { shown += 100; again(); });
}
