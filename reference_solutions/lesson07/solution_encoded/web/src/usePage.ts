// UTF-8, then base64url: a header holds any page so.
export function encodedPage(): string {
  const headings = ["h1", "h2", "h3"].flatMap((level) =>
    [...document.getElementsByTagName(level)].map((each) => ({ level, text: each.textContent })),
  );
  const json = JSON.stringify({ href: window.location.href, title: document.title, headings });
  const bytes = new TextEncoder().encode(json);
  return btoa(Array.from(bytes, (each) => String.fromCharCode(each)).join(""))
    .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
