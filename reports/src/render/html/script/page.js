// The page around the diagrams: they are drawn when they come into sight, commands can be copied,
// and an address that names a run opens it.

const waiting = new IntersectionObserver(entries => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    waiting.unobserve(entry.target);
    const trace = traceOf(entry.target.dataset.run);
    if (trace) new Diagram(entry.target, trace);
    else entry.target.remove();
  }
}, { rootMargin: '300px' });
for (const figure of document.querySelectorAll('.diagram')) waiting.observe(figure);

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without leave to write to the clipboard, a selection can be copied.
    const area = html(document.body, 'textarea', { readonly: '' });
    area.value = text;
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

for (const code of document.querySelectorAll('code.cmd')) {
  const button = html(null, 'button', { type: 'button', class: 'copy' }, 'copy');
  button.setAttribute('aria-label', 'Copy the command ' + code.textContent);
  code.after(button);
}
document.addEventListener('click', async event => {
  const button = event.target.closest?.('.copy');
  if (!button) return;
  const done = await copy(button.previousElementSibling.textContent);
  button.textContent = done ? 'copied' : 'not copied';
  setTimeout(() => { button.textContent = 'copy'; }, 1500);
});

function openNamed() {
  const named = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named && named.tagName === 'DETAILS') {
    named.open = true;
    named.scrollIntoView();
  }
}
addEventListener('hashchange', openNamed);
openNamed();
