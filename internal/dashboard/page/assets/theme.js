// Sets the theme before anything is drawn, so that a dark page does not flash.
"use strict";
(() => {
	let chosen = null;
	try { chosen = localStorage.getItem("leadgate-theme"); } catch { /* storage is off */ }
	if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
