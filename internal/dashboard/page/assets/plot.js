// Plots by uPlot that follow their box's width and the theme.
import { color, number } from "./dom.js";

const plots = new Set();

// A Plot is made when it has data for the first time.
export class Plot {
	constructor(box, options) {
		this.box = box;
		this.options = options;
		plots.add(this);
	}

	set(data) {
		this.data = data;
		if (!this.u) {
			this.u = new uPlot({ ...this.options(), width: this.box.clientWidth || 300, height: 210 }, data, this.box);
			this.watch = new ResizeObserver(() => {
				const width = this.box.clientWidth;
				if (width && width !== this.u.width) this.u.setSize({ width, height: 210 });
			});
			this.watch.observe(this.box);
		} else this.u.setData(data);
	}

	destroy() {
		this.watch.disconnect();
		this.u.destroy();
		this.u = null;
	}
}

// repaint draws everything anew, in another theme's colours.
export function repaint() {
	for (const p of plots) {
		if (!p.u) continue;
		p.destroy();
		p.set(p.data);
	}
}

const font = "11px system-ui, sans-serif";

export function axes(x, y) {
	const common = { stroke: () => color("--muted"), font, ticks: { show: false } };
	return [
		{ ...common, grid: { show: false }, size: 26, gap: 4, space: 70, ...x },
		{ ...common, grid: { stroke: () => color("--line"), width: 1 }, size: 46, gap: 6, space: 36, values: (u, v) => v.map((n) => (n === null ? "" : number(n))), ...y },
	];
}

// bars fill from zero, in a part of their slot's width.
export const bars = (label, name, part, value, align) => ({
	label, value, stroke: () => color(name), fill: () => color(name), width: 0,
	paths: uPlot.paths.bars({ size: [part, 40], align: align || 0 }), points: { show: false },
});

export const line = (label, name, value) => ({
	label, value, stroke: () => color(name), width: 2, spanGaps: false, points: { show: false, filter: alone, size: 6, width: 0, fill: () => color(name) },
});

// alone finds the points that no line goes to, since both their neighbours are
// missing: only a dot shows them.
function alone(u, series) {
	const y = u.data[series];
	const there = (i) => y[i] !== null && y[i] !== undefined;
	return y.map((v, i) => i).filter((i) => there(i) && !there(i - 1) && !there(i + 1));
}

// from zero, and with room above even if there is nothing.
export const fromZero = (least) => (u, min, max) => [0, Math.max(least, (max || 0) * 1.1)];

export const cursor = { y: false, drag: { x: false, y: false }, points: { show: false } };
