// The last events with their unified JSON.
import { $, h, json, keyed, number, show, time, timeEl } from "./dom.js";
import { get } from "./api.js";

let events = [];
let since = 0;
let all = false;
const firstRows = 15;

export async function update() {
	const got = await get("events", { after: events.length ? events[0].seq : "" });
	if (got.since !== since && since) events = []; // another process counts anew
	const fresh = got.events.filter((e) => !events.some((k) => k.seq === e.seq));
	events = fresh.concat(events).slice(0, got.kept);
	since = got.since;
	draw(got.kept);
}

export const any = () => events.length > 0;

export function start() {
	$("events-more").addEventListener("click", () => { all = true; draw(); });
}

function draw(kept) {
	const visible = all ? events : events.slice(0, firstRows);
	keyed($("events-rows"), visible, (e) => e.seq, row);
	$("events-rows").hidden = !events.length;
	show($("events-more"), events.length > visible.length ? `Show all ${number(events.length)}` : "");
	if (kept) show($("events-sum"), `the newest ${kept}, in this process's memory only; phone numbers are shortened`);
	show($("events-empty"), events.length ? "" : since ? `No new event since ${time(since, true)}. Webhooks that were seen before, and probes, make none.` : "Nothing is recorded yet.");
}

function row({ event: e }) {
	const pre = h("pre", {});
	const ad = e.referral && (e.referral.ctwaClid || e.referral.adId);
	const box = h("details", {},
		h("summary", {},
			timeEl(e.ingestedAt),
			h("span", { class: "who" }, h("span", { class: `tag ${e.channel || ""}` }, e.channel || "?"), h("b", { class: "clip", title: name(e) }, name(e)), h("span", { class: "muted small any" }, contact(e))),
			h("span", { class: "gist" }, ad ? h("span", { class: "pill ad", title: e.referral.headline || "" }, "ad click") : null, gist(e)),
			h("span", { class: "muted small end" }, [e.tenantId || "no tenant", e.provider].join(" · "))),
		pre);
	box.addEventListener("toggle", () => { if (box.open && !pre.firstChild) json(pre, e); });
	return box;
}

const name = (e) => e.profileName || e.username || "";
const contact = (e) => e.waPhone || e.waId || e.userId || "";

function gist(e) {
	switch (e.kind) {
	case "message":
	case "echo": {
		const m = e.message;
		const text = m.text || m.caption || (m.interactive && m.interactive.title) || m.filename || "";
		return [e.kind === "echo" ? h("span", { class: "muted" }, "echo ") : null, m.type === "text" ? null : h("span", { class: "muted" }, `${m.type} `), text];
	}
	case "status": return [h("span", { class: "muted" }, "status "), e.status.state];
	case "automatic_event": return [h("span", { class: "muted" }, "automatic event "), e.automaticEvent.eventName, e.automaticEvent.value === null ? "" : ` ${e.automaticEvent.value} ${e.automaticEvent.currency || ""}`];
	default: return [h("span", { class: "muted" }, `${e.kind.replace("_", " ")} `), e.rawLastEventType || ""];
	}
}
