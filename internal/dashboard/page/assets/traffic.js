// Webhooks and acknowledgements over time.
import { $, choice, ms, number, show, time } from "./dom.js";
import { get } from "./api.js";
import { Plot, axes, bars, cursor, fromZero, line } from "./plot.js";

const fields = ["at", "accepted", "refused", "unavailable", "delivered", "failed", "ackP50", "ackP99"];
const ranges = { hour: null, day: null };
let range = "hour";

const clock = (u, splits) => splits.map((s) => time(s * 1000, true));
const at = (u, s) => (s === null ? "–" : time(s * 1000));
const raw = (field) => (u, v, si, i) => (i === null ? "–" : number(ranges[range][field][i]));

// The x axis always has the whole range, so that it is plain how much is known.
const wholeRange = () => {
	const r = ranges[range];
	const end = (r.at.length ? r.at[r.at.length - 1] : Date.now()) / 1000;
	return [end - (r.size * r.step) / 1000, end];
};

const webhooks = new Plot($("plot-webhooks"), () => ({
	cursor, scales: { x: { range: wholeRange }, y: { range: fromZero(4) } }, axes: axes({ values: clock }, { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 1000000] }),
	series: [{ label: "At", value: at }, bars("503", "--bad", 1, raw("unavailable"), -1), bars("Refused", "--warn", 1, raw("refused"), -1), bars("Accepted", "--accent", 1, raw("accepted"), -1)],
}));
const acks = new Plot($("plot-acks"), () => ({
	cursor, scales: { x: { range: wholeRange }, y: { range: fromZero(1) } }, axes: axes({ values: clock }),
	series: [{ label: "At", value: at }, line("99 %", "--accent2", (u, v) => ms(v)), line("Median", "--accent", (u, v) => ms(v))],
}));

export async function update() {
	const name = range;
	let known = ranges[name];
	const got = await get("traffic", { range: name, after: known && known.at.length ? known.at[known.at.length - 1] : "" });
	if (!known || known.since !== got.since) known = null; // the process is another one
	if (known) {
		for (const f of fields) got[f] = known[f].concat(got[f]).slice(-got.size);
	} else if (ranges[name]) {
		ranges[name] = null;
		return update();
	}
	ranges[name] = got;
	if (name === range) draw();
}

function draw() {
	const r = ranges[range];
	const x = r.at.map((t) => t / 1000);
	const sum = (...names) => r.at.map((t, i) => names.reduce((n, f) => n + r[f][i], 0));
	webhooks.set([x, sum("accepted", "refused", "unavailable"), sum("accepted", "refused"), r.accepted]);
	acks.set([x, r.ackP99, r.ackP50]);
	show($("traffic-unit"), r.step < 60000 ? `per ${r.step / 1000} seconds` : `per ${r.step / 60000} minutes`);
	show($("traffic-since"), r.since ? `This process has recorded since ${time(r.since, true)}.` : "");
}

export function start() {
	choice($("traffic-range"), (chosen) => { range = chosen; update().catch(() => {}); });
}
