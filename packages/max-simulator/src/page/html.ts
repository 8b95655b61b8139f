/** The document of the chat page. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='9' fill='%235662d9'/%3E%3Cpath d='M8 10h16v10H15l-5 4v-4H8z' fill='%23fff'/%3E%3C/svg%3E"

export const HTML = `<!doctype html>
<html lang="ru">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Симулятор MAX</title>
<link rel="icon" href="${ICON}">
<link rel="stylesheet" href="/page/styles.css">
<script type="module" src="/page/main.js"></script>
</head>
<body>
<header class="bar">
  <div class="brand">
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="9"/><path d="M8 10h16v10H15l-5 4v-4H8z"/></svg>
    <div>
      <h1>Симулятор MAX</h1>
      <p class="wide">Не настоящий MAX, а инструмент разработки: всё остаётся на этом компьютере</p>
      <p class="narrow">Для разработки, не сам MAX</p>
    </div>
  </div>
  <p id="connection" class="connection" role="status"></p>
  <div class="actions">
    <button type="button" id="add-person" aria-label="Добавить человека"><span class="wide">+ Человек</span><svg class="narrow" viewBox="0 0 20 20" aria-hidden="true"><circle cx="8" cy="6.5" r="3.2"/><path d="M2 17c.4-3.6 2.7-5.4 6-5.4 1.4 0 2.6.3 3.6.9M15.5 11.5v6M12.5 14.5h6"/></svg></button>
    <button type="button" id="add-group" aria-label="Добавить группу"><span class="wide">+ Группа</span><svg class="narrow" viewBox="0 0 20 20" aria-hidden="true"><path d="M3 4h14v9H9l-4 3.5V13H3zM10 6.2v4.6M7.7 8.5h4.6"/></svg></button>
    <button type="button" id="reset" aria-label="Сбросить всё"><span class="wide">Сбросить</span><svg class="narrow" viewBox="0 0 20 20" aria-hidden="true"><path d="M4.5 7.5A6.3 6.3 0 1 1 3.7 11M4 3.5v4.2h4.2"/></svg></button>
  </div>
</header>
<nav id="tabs" class="tabs" aria-label="Люди"></nav>
<main id="columns" class="columns"></main>
<div id="toasts" class="toasts" aria-live="polite"></div>
<noscript><p class="noscript">Странице нужен JavaScript.</p></noscript>
</body>
</html>
`
