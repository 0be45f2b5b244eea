// Destinations: state, backlog, reason; pause and resume.
import { $, age, ask, cell, h, keyed, number, readOnly, show, timeEl, toast } from "./dom.js";
import { post } from "./api.js";
import { pick } from "./dead.js";

const words = {
	running: "delivers what it gets", retrying: "some events wait for another attempt, or all since the destination asks to wait", open: "it takes nothing: one event at a time is tried, the rest wait",
	parked: "Meta refuses the token, the permission or the configuration", paused: "paused", removed: "in no configuration any more; its queue is kept",
};
const rank = { parked: 0, open: 1, paused: 2, retrying: 3, removed: 4, running: 5 };

// labels are the states as people read them: the API's open is the breaker's.
const labels = { open: "failing" };
const label = (d) => (throttled(d) ? "throttled" : labels[d.state] || d.state);
const throttled = (d) => d.state === "retrying" && /^(throttled|429)\b/.test(d.reason);

let list = [];
let reload = () => {};
let unfolded = false;      // all running ones are shown
const trying = new Set();  // names of those that are being tried
const firstRunning = 8;

export const unmatched = (d) => d.name === "unmatched" && d.tenant === "";

// attention is what somebody should look at: parked, open or paused.
export const attention = () => list.filter((d) => rank[d.state] <= 2);

export function update(all) {
	list = all;
	const shown = list.filter((d) => !unmatched(d) || d.dead > 0);
	const words = $("destinations-filter").value.toLowerCase().split(/\s+/).filter(Boolean);
	const rows = shown.filter((d) => words.every((w) => `${d.name} ${d.tenant} ${d.state} ${label(d)} ${d.kind} ${d.target}`.toLowerCase().includes(w)));
	rows.sort((a, b) => rank[a.state] - rank[b.state] || a.name.localeCompare(b.name));
	// Many that run are folded: what needs a look is above them.
	const running = rows.filter(quiet);
	const fold = !unfolded && !words.length && running.length > firstRunning + 2;
	const visible = fold ? rows.filter((d) => !quiet(d)).concat(running.slice(0, firstRunning)) : rows;
	keyed($("destinations-rows"), visible.map((d) => ({ ...d, trying: trying.has(d.name) })), (d) => `${d.tenant} ${d.name}`, row);
	show($("destinations-more"), fold ? `Show ${number(running.length - firstRunning)} more that are running` : "");
	$("destinations-filter").hidden = shown.length < 9;
	const waiting = list.reduce((n, d) => n + d.backlog, 0);
	show($("destinations-sum"), shown.length ? `${number(shown.length)} with ${number(waiting)} ${waiting === 1 ? "event" : "events"} waiting` : "");
	show($("destinations-empty"), rows.length ? "" : shown.length ? "No destination fits the filter." : "The configuration has no destination. Write forward https://… into a tenant of the leadgate block, and reload Caddy: it shows here at once.");
}

const quiet = (d) => d.state === "running" && !unmatched(d) && !d.dead;

function row(d) {
	const dead = d.dead ? h("button", { class: "link", type: "button", onclick: () => pick(d.name), "data-focus": "dead", title: "Show them" }, number(d.dead)) : "–";
	return h("tr", { "data-name": d.name },
		cell("State", "", unmatched(d) ? h("span", { class: "pill" }, "no tenant") : h("span", { class: `pill ${d.state}`, title: throttled(d) ? "it asks to wait; nothing is lost" : words[d.state] }, label(d))),
		cell("Destination", "wide", h("b", { class: "any" }, d.name), h("div", { class: "muted small any" }, what(d)),
			d.reason ? h("div", { class: `reason any ${d.state}` }, d.reason.replace(/; it waits until \S+$/, ""), until(d)) : null,
			d.inDoubt ? h("div", { class: "muted small", title: "They were sent, and nothing says whether Meta has them: sent again, or with on_timeout drop dead letters" }, `${number(d.inDoubt)} in doubt since the edge began`) : null,
			d.awaiting ? h("div", { class: "muted small", title: "They were delivered; Google says half an hour to a day later what became of each" }, `${number(d.awaiting)} delivered, and not confirmed yet`) : null),
		cell("Waiting", "num", d.backlog ? number(d.backlog) : "–"),
		cell("Oldest", "num", age(d.oldestAgeSeconds)),
		cell("In flight", "num", d.inFlight ? number(d.inFlight) : "–"),
		cell("Delivered", "num", d.delivered ? number(d.delivered) : "–"),
		cell("Dead letters", "num", dead),
		h("td", { class: "act" }, button(d)));
}

// until is when a destination goes on, or tries again, by itself.
const until = (d) => d.until ? [d.reason.includes("; it waits until ") ? "; it waits until " : "; the next attempt is at ", timeEl(d.until)] : null;

function what(d) {
	if (unmatched(d)) return "events that no tenant's match names";
	if (d.state === "removed") return `${d.tenant} · in no configuration; drop or move it with the admin API`;
	return [d.tenant, d.kind === "capi" ? `dataset ${d.target}` : d.kind === "google" ? `Google Ads ${d.target}` : d.target].filter(Boolean).join(" · ");
}

function button(d) {
	if (readOnly || unmatched(d) || d.state === "removed") return null;
	if (d.trying) return h("button", { type: "button", disabled: true, "data-action": "trying" }, "Trying…");
	const resume = d.state === "paused" || d.state === "parked" || d.state === "open";
	const both = d.state === "parked" || d.state === "open";
	const make = (action, label) => h("button", { type: "button", "data-focus": action, "data-action": action, onclick: (e) => act(e.target, d, action) }, label);
	return [resume ? make("resume", d.state === "paused" ? "Resume" : "Try now") : null, !resume || both ? make("pause", "Pause") : null];
}

async function act(el, d, action) {
	if (action === "pause" && !await ask(`Pause ${d.name}?`, "Its events wait in the queue, in order, until somebody resumes it, over restarts too. Webhooks are still answered 200.", "Pause")) return;
	if (action === "resume" && d.state !== "paused") return tryNow(d);
	el.disabled = true;
	try {
		await post(`destinations/${encodeURIComponent(d.name)}/${action}`);
		toast(action === "pause" ? `${d.name} is paused.` : `${d.name} goes on.`);
	} catch (err) {
		toast(`${d.name}: ${err.message}`, true);
		el.disabled = false;
	}
	reload();
}

// tryNow waits for what the destination says to the next attempt.
async function tryNow(d) {
	trying.add(d.name);
	update(list);
	try {
		const got = await post(`destinations/${encodeURIComponent(d.name)}/try`);
		const why = got.reason ? `: ${got.reason}` : ".";
		if (got.delivered) toast(`${d.name} took it, and goes on.`);
		else if (got.tried) toast(`${d.name} was tried, and still fails${why}`, true);
		else if (!got.backlog) toast(`${d.name} goes on: nothing waits for it, so nothing was tried.`);
		else toast(`${d.name} has not answered yet; it is tried on. Its line below shows what comes of it.`);
	} catch (err) {
		toast(`${d.name}: ${err.message}`, true);
	}
	trying.delete(d.name);
	update(list);
	reload();
}

export function start(again) {
	$("destinations-more").addEventListener("click", () => { unfolded = true; update(list); });
	reload = again;
	$("destinations-filter").addEventListener("input", () => update(list));
}
