// One contact's story: which click it came by, what was reported of it, where to, and what
// came of that. The contact stands in no URL.
import { $, cell, h, keyed, money, number, show, timeEl } from "./dom.js";
import { post } from "./api.js";

const outcomes = {
	sent: ["paused", "on its way, or the platform’s word is waited for"], delivered: ["running", "the platform has it"], duplicate: ["", "it was reported before"],
	no_click: ["retrying", "the contact has no click that could be credited"], invalid: ["open", "it was refused as it was posted or said"], dead: ["open", "a dead letter"],
};
const kinds = { lead: "lead", automatic_event: "Meta’s own", conversion: "conversion" };
let asked = 0;

async function look() {
	const mine = ++asked;
	const contact = $("contact-name").value.trim();
	if (!contact) return;
	$("contact-look").disabled = true;
	try {
		const got = await post("contacts/show", { tenant: $("contact-tenant").value, contact });
		if (mine === asked) draw(contact, got);
	} catch (err) {
		if (mine === asked) empty(err.message);
	}
	$("contact-look").disabled = false;
}

function empty(text) {
	$("contact-card").hidden = true;
	show($("contact-sum"), "");
	show($("contact-empty"), text);
}

function draw(contact, got) {
	const steps = [...got.events.map((e) => ({ at: e.at, event: e })), ...got.touches.map((t) => ({ at: t.clickedAt || 0, touch: t }))];
	if (!steps.length) {
		empty(`Nothing is known of ${contact}: no click of it is stored, and nothing was reported.`);
		return;
	}
	steps.sort((a, b) => b.at - a.at); // of what happened at once the touch came first
	const count = (n, one, many) => `${number(n)} ${n === 1 ? one : many}`;
	show($("contact-empty"), "");
	show($("contact-sum"), `${count(got.touches.length, "touch", "touches")}, ${count(got.events.length, "report", "reports")}`);
	$("contact-rows").replaceChildren(...steps.map((s) => (s.touch ? touch(s.at, s.touch) : report(s.event))));
	$("contact-card").hidden = false;
}

function touch(at, t) {
	const [what, id] = t.lead ? [t.lead.test ? "A test form" : "A form of a lead ad", t.lead.leadId] : t.link ? [`Link ${t.link.name}`, t.link.code] : ["An ad", t.adId];
	const name = !t.link && (t.adName || t.headline);
	const above = [t.campaignName, t.adsetName].filter(Boolean).join(" · ");
	return h("tr", { class: "touch" }, when(at),
		cell("What", "wide", h("b", { class: "any" }, name || what), above ? h("div", { class: "muted small any clip" }, above) : null,
			h("div", { class: "muted small any" }, name ? `${what} ` : "", id ? h("span", { class: "mono" }, id) : null)),
		cell("Outcome", "", h("span", { class: "pill ad" }, "came by it")), cell("Where to", "", "–"), cell("Value", "num", "–"));
}

function report(e) {
	const [pill, title] = outcomes[e.outcome] || ["", ""];
	return h("tr", {}, when(e.at),
		cell("What", "wide", h("b", { class: "any" }, e.name || "–"), h("div", { class: "muted small" }, kinds[e.kind] || e.kind), e.reason ? h("div", { class: `reason any ${pill}` }, e.reason) : null),
		cell("Outcome", "", h("span", { class: `pill ${pill}`, title }, e.outcome.replace("_", " "))),
		cell("Where to", "any", e.destination || "–"),
		cell("Value", "num", e.value === null ? "–" : e.currency ? money({ [e.currency]: e.value })[0] : number(e.value)));
}

const when = (at) => cell("When", "nowrap", at ? timeEl(at) : "–");

// tenants offers the tenants to choose from.
export function tenants(names) {
	keyed($("contact-tenant"), names, (n) => n, (n) => h("option", { value: n }, n));
	$("contact-tenant").hidden = names.length < 2;
}

export function start() {
	$("contact-form").addEventListener("submit", (e) => {
		e.preventDefault();
		look();
	});
}
