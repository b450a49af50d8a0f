// The page that is shown when the app itself failed. It depends on nothing that may have caused the failure.

export const Broken = () => (
  <main className="broken" role="alert">
    <h1>Something broke in this page</h1>
    <p>This is a fault in the app, not in what you did. Reload the page: you stay signed in.</p>
    <button type="button" onClick={() => location.reload()}>
      Reload the page
    </button>
  </main>
);
