// The dashboard's API lies beside the page.

async function answer(response) {
	let body = null;
	try { body = await response.json(); } catch { /* not JSON: a proxy's or Caddy's own page, or nothing */ }
	if (!response.ok) throw Object.assign(new Error((body && body.error) || `the edge answered ${response.status}`), { status: response.status });
	return body;
}

export async function get(what, params) {
	const query = new URLSearchParams(Object.entries(params || {}).filter(([, v]) => v !== "" && v !== null && v !== undefined));
	return answer(await fetch(`api/${what}${query.size ? `?${query}` : ""}`, { headers: { Accept: "application/json" } }));
}

// post does something; the header shows that it came from this page.
export async function post(what, body) {
	return answer(await fetch(`api/${what}`, {
		method: "POST",
		headers: { "Leadgate-Dashboard": "1", "Content-Type": "application/json" },
		body: JSON.stringify(body || {}),
	}));
}
