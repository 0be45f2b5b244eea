// The days that figures are of: the last ones up to today, or those between two dates. UTC, or
// an ad account's, where its day begins earlier: the edge says which is the newest.
import { $, choice } from "./dom.js";

export const dayMs = 86400000;
export const date = (t) => new Date(t).toISOString().slice(0, 10);
const shortDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
export const shortDay = (t) => shortDate.format(t);

let days = 28;  // 0 where dates were chosen
let chosen = null;
let newest = 0; // as the edge says; 0 where it does not

export function today(day) {
	newest = Date.parse(day) || 0;
}

const last = () => newest || Math.floor(Date.now() / dayMs) * dayMs;

// period is what is asked for: whole days, the last included.
export function period() {
	if (!days) return chosen;
	return { from: last() - (days - 1) * dayMs, to: last() };
}

// named says which days these are, after "in" or "of".
export const named = () => (days ? `the last ${days} days` : `${shortDay(chosen.from)} – ${shortDay(chosen.to)}`);
export const short = () => (days ? `${days} days` : named());

// draw shows the days in the dates.
export function draw() {
	const { from, to } = period();
	for (const [id, t] of [["ads-from", from], ["ads-to", to]]) {
		if (document.activeElement !== $(id)) $(id).value = date(t);
		$(id).max = date(last());
	}
}

export function start(changed) {
	choice($("ads-range"), (n) => { days = Number(n); changed(); });
	for (const id of ["ads-from", "ads-to"]) $(id).addEventListener("change", () => {
		const [from, to] = [$("ads-from"), $("ads-to")].map((el) => Date.parse(el.value));
		if (!(from <= to)) return; // one of them is still being written
		[days, chosen] = [0, { from, to }];
		for (const b of $("ads-range").children) b.setAttribute("aria-pressed", "false");
		changed();
	});
	draw();
}
