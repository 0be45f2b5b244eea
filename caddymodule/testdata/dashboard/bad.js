// Made-up answers of the dashboard's API, of an edge on which much is wrong.
"use strict";
(() => {
	const now = Date.now();
	const long = "Extraordinarily".repeat(14).slice(0, 200);
	const turned = "\u202egnihton si siht\u202d \u2067 Noor \u0627\u0644\u0639\u0631\u0628\u064a\u0629";
	const marks = "Z" + "\u0335\u0321\u0322\u0310\u034e".repeat(40) + "algo";
	const d = (name, state, reason, more) => ({ name, tenant: "acme", kind: "forward", target: `https://crm.example.com/hooks/${name}`, state, reason, backlog: 3, inFlight: 0, dead: 0, delivered: 12, oldestAgeSeconds: 4000, ...more });
	const destinations = [
		d("paused-by-hand", "paused", "by an operator", { oldestAgeSeconds: 90000 }),
		...Array.from({ length: 15 }, (_, i) => d(`fail-${i}`, "open", "503 Service Unavailable")),
		...Array.from({ length: 4 }, (_, i) => d(`odd-${i + 1}`, "open", `dial tcp 10.0.0.${i}:443: connect: connection refused`)),
		d("meta-b", "parked", "permission: the token may not write to this dataset", { kind: "capi", target: "2345678901" }),
		d("meta-c", "parked", "permission: the token may not write to this dataset", { kind: "capi", target: "3456789012" }),
		d("meta", "parked", "token: the access token has expired; make a new token", { kind: "capi", target: "1234567890", backlog: 40 }),
		d("slow", "retrying", "throttled: 80004: too many calls", { kind: "capi", target: "4567890123", until: now + 60000, inDoubt: 7 }),
		d("n".repeat(64), "retrying", "timeout after 10s", { target: `https://crm.example.com/${"path".repeat(40)}` }),
		...Array.from({ length: 30 }, (_, i) => d(`run-${i}`, "running", "", { backlog: 0, oldestAgeSeconds: 0 })),
		{ ...d("unmatched", "running", ""), tenant: "", kind: "", target: "", backlog: 0, dead: 20 },
	];
	const at = Array.from({ length: 240 }, (_, i) => now - (239 - i) * 15000);
	const traffic = { since: now - 3600000, step: 15000, size: 240, at, accepted: at.map((_, i) => (i % 40 ? 0 : 3)), refused: at.map(() => 0), unavailable: at.map((_, i) => (i === 80 ? 5 : 0)),
		delivered: at.map(() => 0), failed: at.map(() => 1), ackP50: at.map((_, i) => (i % 40 ? null : 2)), ackP99: at.map((_, i) => (i % 40 ? null : 9)) };
	const letter = (i, more) => ({ id: `1-${i}`, destination: "unmatched", eventId: "x", tenant: "", kind: "message", reason: "no tenant", code: "", explanation: "no tenant’s match has phone_number_id 106540352242922", attempts: 0, firstAt: 0, diedAt: now - i * 60000, event: null, ...more });
	const dead = [
		letter(100, { destination: "run-1", tenant: "acme", reason: "422 Unprocessable Entity", code: "422", explanation: "the destination refuses this event; it would refuse it again", attempts: 1 }),
		...Array.from({ length: 20 }, (_, i) => letter(i)),
		letter(101, { reason: long, explanation: turned }),
		letter(102, { destination: "n".repeat(64), tenant: "acme", reason: `400 ${"x".repeat(120)}`, explanation: long, attempts: 3 }),
	];
	const event = (seq, profileName, text) => ({ seq, event: { id: "x", tenantId: "acme", kind: "message", channel: "whatsapp", provider: "meta", profileName, waPhone: "+1555…67", ingestedAt: now - seq * 1000,
		referral: seq % 2 ? { ctwaClid: "Aff", adId: "111", headline: long } : null, message: { type: "text", text } } });
	const events = { since: now - 3600000, kept: 50, events: [event(9, long, long), event(8, turned, turned), event(7, marks, marks), event(6, "Maria Souza", "Hi! Is the blue one still available?")] };
	window.tomorrow = new Date(now + 86400000).toISOString().slice(0, 10); // it has begun in Tokyo
	const day = new Date(now).toISOString().slice(0, 10);
	const ad = (adId, headline, more) => ({ tenant: "acme", adId, adName: null, adsetId: null, adsetName: null, campaignId: null, campaignName: null, headline, link: null, day, visits: 0,
		clicks: 1, contacts: 1, leads: 1, qualified: 1, reported: 3, pending: 0, purchases: 1, impressions: 0, linkClicks: 0, conversationsStarted: 0,
		value: { USD: 12.5, EUR: 3 }, spend: {}, costPerLead: {}, costPerPurchase: {}, roas: {}, ...more });
	const cost = { impressions: 123456, spend: { JPY: 1234567, KWD: 1.005 }, costPerLead: { JPY: 30864.1875, KWD: 0.0251 }, costPerPurchase: { JPY: 1234567 }, roas: { JPY: 0.0123, KWD: 12.5 } };
	const ads = [ad("1", "Sale", { adName: "=cmd|' /C calc'!A0", adsetName: "S1", campaignName: "C1", ...cost }), ad("2", long, { clicks: 1, leads: 2, adName: long, adsetName: long, campaignName: long }),
		ad("3", turned, { clicks: 40, contacts: 39, leads: 40, reported: 0, pending: 40, adName: turned, campaignName: marks, ...cost }), ad(null, null, { value: {} }),
		ad(null, null, { link: "summer", visits: 20, clicks: 7, leads: 0, purchases: 0 }), ad(null, null, { link: "passed-on", visits: 2, clicks: 3, leads: 2, purchases: 1 })];
	const answers = {
		overview: { version: "v0.1.0", user: "anna", now, problem: "", window: { from: now - 3600000, since: now - 3600000, accepted: 30, refused: 2, unavailable: 5, delivered: 0, failed: 240, ackP50: 2, ackP99: 9 }, destinations, tenants: ["acme", "t".repeat(64)], today: window.tomorrow,
			reads: [{ tenant: "acme", problem: "too many calls for Meta's limit: waits until 2026-01-02T12:00:00Z" }],
			words: [{ provider: "meta", place: "message type", word: long, webhooks: 12, lastAt: now }, { provider: "gupshup", place: "status", word: turned, webhooks: 1, lastAt: now }] },
		traffic, events, dead: { dead, next: null, page: 25 },
	};
	const touch = (at, more) => ({ ctwaClid: null, adId: null, sourceUrl: null, headline: null, clickedAt: at, messageId: null, link: null, adName: null, adsetName: null, campaignName: null, ...more });
	const report = (at, name, outcome, more) => ({ at, kind: "conversion", name, destination: "meta", outcome, reason: null, value: null, currency: null, ...more });
	const story = { contact: "+15551234567",
		touches: [touch(now - 90000, { adId: "120210000000000001", headline: long, adName: turned, campaignName: long }), touch(now - 9e7, { link: { name: "summer", code: "K7QW3-MPDXR" } }), touch(0, { lead: { leadId: "1234567890", test: true } })],
		events: [report(now - 1000, "Purchase", "dead", { value: 1234567.891, currency: "KWD", destination: "n".repeat(64), reason: `token (190): ${long}` }), report(now - 2000, long, "no_click", { destination: null, reason: turned }),
			report(now - 3000, "Purchase", "sent", { value: 12.5, currency: "USD" }), report(now - 89000, "LeadSubmitted", "delivered", { kind: "lead" }), report(now - 88000, "LeadSubmitted", "duplicate", { kind: "automatic_event" })] };
	window.dots = (id) => {
		const canvas = document.querySelector(`#${id} canvas`);
		const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
		let n = 0; // points of a full, strong colour: purple or teal
		for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200 && Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 60) n++;
		return n;
	};
	const tried = new Promise((done) => { window.answerTry = done; });
	const real = window.fetch;
	window.fetch = async (url, options) => {
		const what = String(url).replace(/^api\//, "").split("?")[0];
		if (what.endsWith("/try")) {
			await tried;
			return Response.json({ tried: true, delivered: false, state: "parked", reason: "token: the access token has expired", backlog: 40 });
		}
		if (what === "dead/replay") return Response.json({ count: 15, unmatched: 5, noBlock: 0 });
		if (what === "dead" && String(url).includes("id=")) return Response.json({ dead: [{ ...dead[0], event: { text: long, name: turned } }], next: null, page: 25 });
		if (what === "contacts/show") return Response.json(story);
		if (what === "ads") return Response.json(ads, { headers: { "Leadgate-Ads": "acme: error 190/463: the access token has expired; globex: act_11: too many calls for Meta's limit: waits until 2026-01-01T12:00:00Z" } });
		return answers[what] ? Response.json(answers[what]) : real(url, options);
	};
})();
