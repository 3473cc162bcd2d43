SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  onComplete: () => {
    const title = document.querySelector("#swagger-ui .title");
    if (title) document.title = title.firstChild.textContent.trim();
  },
});
