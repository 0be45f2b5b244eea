// The dashboard's API lies beside the page.

async function answer(response) {
	let body = null;
	try { body = await response.json(); } catch { /* not JSON: a proxy's or Caddy's own page, or nothing */ }
	if (!response.ok) throw Object.assign(new Error((body && body.error) || `the edge answered ${response.status}`), { status: response.status });
	return body;
}

// link is the URL of what can be asked for.
export function link(what, params) {
	const query = new URLSearchParams(Object.entries(params || {}).filter(([, v]) => v !== "" && v !== null && v !== undefined));
	return `api/${what}${query.size ? `?${query}` : ""}`;
}

const ask = (what, params) => fetch(link(what, params), { headers: { Accept: "application/json" } });

export const get = async (what, params) => answer(await ask(what, params));

// headed is get with one of the answer's headers, "" where it has none.
export async function headed(what, params, name) {
	const response = await ask(what, params);
	return { body: await answer(response), header: response.headers.get(name) || "" };
}

// post does something; the header shows that it came from this page.
export async function post(what, body) {
	return answer(await fetch(`api/${what}`, {
		method: "POST",
		headers: { "Leadgate-Dashboard": "1", "Content-Type": "application/json" },
		body: JSON.stringify(body || {}),
	}));
}
