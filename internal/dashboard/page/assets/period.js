// The days that figures are of: the last ones up to today, or those between two dates. UTC.
import { $, choice } from "./dom.js";

export const dayMs = 86400000;
export const date = (t) => new Date(t).toISOString().slice(0, 10);
const shortDate = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
export const shortDay = (t) => shortDate.format(t);

let days = 28;  // 0 where dates were chosen
let chosen = null;

// period is what is asked for: whole days, the last included.
export function period() {
	if (!days) return chosen;
	const today = Math.floor(Date.now() / dayMs) * dayMs;
	return { from: today - (days - 1) * dayMs, to: today };
}

// named says which days these are, after "in" or "of".
export const named = () => (days ? `the last ${days} days` : `${shortDay(chosen.from)} – ${shortDay(chosen.to)}`);
export const short = () => (days ? `${days} days` : named());

// draw shows the days in the dates.
export function draw() {
	const { from, to } = period();
	for (const [id, t] of [["ads-from", from], ["ads-to", to]]) {
		if (document.activeElement !== $(id)) $(id).value = date(t);
		$(id).max = date(Date.now());
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
