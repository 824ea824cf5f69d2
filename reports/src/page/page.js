// The page around the stories: they are drawn when they come into sight, what is looked for is found, commands can be copied,
// and an address that names a part of the page opens it.

const stories = new Map();

function tell(story) {
  if (stories.has(story)) return stories.get(story);
  const trace = traceOf(story.dataset.run);
  const made = trace ? new Diagram(story, trace) : null;
  if (!trace) story.querySelector('.diagram')?.remove();
  stories.set(story, made);
  return made;
}

const waiting = new IntersectionObserver(entries => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    waiting.unobserve(entry.target);
    tell(entry.target);
  }
}, { rootMargin: '300px' });
for (const story of document.querySelectorAll('.story[data-run]')) waiting.observe(story);

// j and k go through the steps of the story that has the focus, else of the one that is nearest to the middle of the window.
let last = null;
document.addEventListener('focusin', event => { last = event.target.closest?.('.story[data-run]') ?? last; });
document.addEventListener('keydown', event => {
  const by = { j: 1, k: -1 }[event.key];
  if (!by || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.('input, select, textarea')) return;
  const seen = story => { const box = story.getBoundingClientRect(); return box.height > 0 && box.bottom > 0 && box.top < innerHeight; };
  const away = story => { const box = story.getBoundingClientRect(); return Math.max(box.top - innerHeight / 2, innerHeight / 2 - box.bottom, 0); };
  const all = [...document.querySelectorAll('.story[data-run]')].filter(seen).sort((a, b) => away(a) - away(b));
  const story = last && seen(last) ? last : all[0];
  if (!story) return;
  event.preventDefault();
  tell(story)?.walk(by);
});

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

// What is looked for: runs by their words, verdict, invariants and tags; groups without any go, and scenarios that have not
// the words, the verdict or the tag.
const find = document.querySelector('form.find');
if (find) {
  const runs = [...document.querySelectorAll('.run')];
  const rows = [...document.querySelectorAll('.overview tbody tr')];
  const of = (element, by) => (element.dataset[by] ?? '').split('\n').filter(word => word);
  const selects = [...find.querySelectorAll('select')];
  for (const select of selects) {
    const words = new Set([...runs, ...rows].flatMap(element => of(element, select.dataset.by)));
    for (const word of [...words].sort()) html(select, 'option', { value: word }, word);
    if (words.size < 2) select.parentElement.hidden = true;
  }
  const search = find.querySelector('input');
  const texts = new Map(runs.map(run => [run, run.textContent.toLowerCase()]));
  const sift = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(word => word);
    const asked = selects.filter(select => select.value);
    const any = words.length + asked.length > 0;
    const fits = (element, text, bys) =>
      words.every(word => text.includes(word)) &&
      asked.every(select => !bys.includes(select.dataset.by) || of(element, select.dataset.by).includes(select.value));
    let shown = 0;
    for (const run of runs) {
      run.hidden = !fits(run, texts.get(run), ['v', 'i', 't']);
      shown += run.hidden ? 0 : 1;
    }
    for (const group of document.querySelectorAll('.group, .others, .of')) {
      group.hidden = any && !group.querySelector('.run:not([hidden])');
      if (any && !group.hidden && shown <= 40) group.open = true;
    }
    for (const row of rows) {
      const invariant = asked.some(select => select.dataset.by === 'i');
      row.hidden = any && (invariant || !fits(row, (row.textContent + row.title).toLowerCase(), ['v', 't']));
    }
    for (const section of document.querySelectorAll('section:has(.overview)')) section.hidden = !section.querySelector('tbody tr:not([hidden])');
    find.querySelector('output').textContent = any ? `${shown} of ${runs.length} runs` : '';
  };
  find.addEventListener('input', sift);
  find.addEventListener('change', sift);
  find.addEventListener('reset', () => setTimeout(sift));
  find.addEventListener('submit', event => event.preventDefault());
  find.hidden = false;
}

function openNamed() {
  const named = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!named) return;
  for (let at = named; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true;
  named.scrollIntoView();
}
addEventListener('hashchange', openNamed);
openNamed();
