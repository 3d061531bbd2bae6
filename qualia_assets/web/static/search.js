// The form of a picture: what would be refused is said before it is sent, and that it is being looked at after.
// Belongs here: that alone. The page works without this script.

const input = document.getElementById("picture");

if (input) {
  const most = Number(input.dataset.mostBytes);
  input.addEventListener("change", () => {
    const file = input.files[0];
    input.setCustomValidity(file && file.size > most ? "The file is larger than 20 MB." : "");
    input.reportValidity();
  });
  const button = input.form.querySelector("button");
  const said = button.textContent;
  input.form.addEventListener("submit", () => {
    button.textContent = "Looking at it…";
    button.disabled = true;
  });
  // Come back to with the browser's own button, the page is as it was left.
  addEventListener("pageshow", () => {
    button.textContent = said;
    button.disabled = false;
  });
}
