// Measures the page, and answers with a list of what is wrong, as JSON.
(() => {
	const problems = [];
	const say = (what, el) => problems.push(`${what}: ${el.tagName.toLowerCase()}${el.id ? `#${el.id}` : ""}.${el.className} "${(el.textContent || "").trim().slice(0, 50)}"`);
	const dialog = document.querySelector("dialog[open]");
	const root = dialog || document.body;

	// A colour is drawn, so that the browser reads whatever notation it is in.
	const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
	const rgba = (text) => {
		pixel.clearRect(0, 0, 1, 1);
		pixel.fillStyle = text;
		pixel.fillRect(0, 0, 1, 1);
		const [r, g, b, a] = pixel.getImageData(0, 0, 1, 1).data;
		return [r, g, b, a / 255];
	};
	const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3])).concat(1);
	const luminance = (c) => {
		const [r, g, b] = c.slice(0, 3).map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const contrast = (a, b) => {
		const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
		return (x + 0.05) / (y + 0.05);
	};
	const background = (el) => {
		const layers = [];
		for (let e = el; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
		return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
	};
	const visible = (el) => el.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && !el.closest(".sr") && el.getBoundingClientRect().width > 0;

	// Text, and whether its words are whole.
	const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const node = texts.currentNode;
		const el = node.parentElement;
		if (!node.data.trim() || ["SCRIPT", "STYLE", "NOSCRIPT", "OPTION"].includes(el.tagName) || !visible(el)) continue;
		let opacity = 1;
		for (let e = el; e; e = e.parentElement) opacity *= getComputedStyle(e).opacity;
		const under = background(el);
		const color = rgba(getComputedStyle(el).color);
		const ratio = contrast(over([...color.slice(0, 3), color[3] * opacity], under), under);
		if (ratio < 4.5) say(`contrast ${ratio.toFixed(2)}`, el);
		if (el.closest("pre, .clip, .gist, .command")) continue; // of any length, with their own end
		for (const token of node.data.matchAll(/\S+/g)) {
			if (token[0].length > 22) continue;
			for (const word of token[0].matchAll(/[\p{L}\p{N}]+/gu)) {
				const range = document.createRange();
				range.setStart(node, token.index + word.index);
				range.setEnd(node, token.index + word.index + word[0].length);
				if (new Set([...range.getClientRects()].filter((r) => r.width > 0).map((r) => Math.round(r.top))).size > 1) say(`the word ${word[0]} is broken`, el);
			}
		}
	}
	for (const el of root.querySelectorAll("input[placeholder]")) {
		if (!visible(el)) continue;
		const ratio = contrast(rgba(getComputedStyle(el, "::placeholder").color), background(el));
		if (ratio < 4.5) say(`contrast of the placeholder ${ratio.toFixed(2)}`, el);
	}

	// What plots draw.
	const style = getComputedStyle(document.documentElement);
	for (const name of ["--click", "--accent", "--accent2", "--warn", "--bad", "--muted"]) {
		for (const under of ["--card", "--soft"]) {
			const ratio = contrast(rgba(style.getPropertyValue(name)), rgba(style.getPropertyValue(under)));
			if (ratio < 4.5) problems.push(`contrast of ${name} on ${under}: ${ratio.toFixed(2)}`);
		}
	}

	// What is pressed.
	if (innerWidth < 500) {
		for (const el of root.querySelectorAll("a[href], button, select, input, summary, .u-legend .u-series > th")) {
			if (!visible(el)) continue;
			const r = (el.type === "checkbox" && el.closest("label") || el).getBoundingClientRect();
			if (r.width < 43.5 || r.height < 43.5) say(`a target of ${r.width.toFixed(0)} × ${r.height.toFixed(0)}`, el);
		}
	}

	// Boxes hold what is in them.
	if (document.documentElement.scrollWidth > innerWidth) problems.push(`the page is ${document.documentElement.scrollWidth} wide of ${innerWidth}`);
	for (const el of root.querySelectorAll(".card *, .tile *, .notice *, figcaption *, dialog *, option")) {
		if (el.tagName === "OPTION" || !visible(el)) continue;
		const box = el.parentElement.closest(".card, .tile, .notice, figure, dialog");
		if (!box) continue;
		const [r, b] = [el.getBoundingClientRect(), box.getBoundingClientRect()];
		if (r.right > b.right + 1 || r.left < b.left - 1 || r.bottom > b.bottom + 1 && getComputedStyle(box).overflowY === "visible") say("out of its box", el);
	}
	// What others wrote cannot turn what stands beside it.
	for (const el of root.querySelectorAll(".who b, .gist, .ad-name, .reason, .toast, pre, #show-title")) {
		if (!getComputedStyle(el).unicodeBidi.startsWith("isolate")) say("not isolated", el);
	}
	return JSON.stringify([...new Set(problems)]);
})();
